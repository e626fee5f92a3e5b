mkfifo photos/pipe.jpg
