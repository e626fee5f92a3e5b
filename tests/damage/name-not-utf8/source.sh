mv IMG_0001.jpg "$(printf 'caf\351.jpg')"
