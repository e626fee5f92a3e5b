cp -a . ../zz-copy
