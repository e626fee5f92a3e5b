mkdir again; cp IMG_0001.jpg again/; echo "<other/>" > again/IMG_0001.xmp
