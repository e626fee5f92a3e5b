printf '{"storage_uu' > .imalink-storage
