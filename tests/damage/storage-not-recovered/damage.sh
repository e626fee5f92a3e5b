cp -a . ../aa-broken
echo '{' > ../aa-broken/.imalink-storage
