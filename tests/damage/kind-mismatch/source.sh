mv IMG_0002.jpg picture.png
