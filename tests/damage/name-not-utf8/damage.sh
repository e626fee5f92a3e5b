mv photos/IMG_0001.jpg "photos/$(printf 'caf\351.jpg')"
