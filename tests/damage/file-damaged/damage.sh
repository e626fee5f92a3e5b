# One byte becomes another; size and time stay.
touch -r photos/IMG_0001.jpg stamp
printf '\252\125\252' | dd of=photos/IMG_0001.jpg bs=1 seek=1200 conv=notrunc 2>/dev/null
touch -r stamp photos/IMG_0001.jpg
rm stamp
