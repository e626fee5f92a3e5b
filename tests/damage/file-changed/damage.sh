echo 'no picture any more' > photos/IMG_0001.jpg
