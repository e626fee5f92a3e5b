seq 1 500 > text.jpg
