echo "<x/>" > alone.xmp
