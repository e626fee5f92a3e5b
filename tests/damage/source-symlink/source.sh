ln -s IMG_0001.jpg link.jpg
