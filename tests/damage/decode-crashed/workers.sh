gunzip -c "$(dirname "$0")/endless.jpg.gz" > endless.jpg
