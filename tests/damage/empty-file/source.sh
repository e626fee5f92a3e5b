: > empty.jpg
