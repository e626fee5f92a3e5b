mkdir -p photos/other/photos
cp .imalink-storage photos/other/
cp photos/IMG_0001.jpg photos/other/photos/
