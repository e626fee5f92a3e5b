rm photos/IMG_0001.xmp
