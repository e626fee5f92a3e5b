head -c 900 IMG_0001.jpg > half.jpg
