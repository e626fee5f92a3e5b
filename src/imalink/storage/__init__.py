"""The only code that touches a storage folder: one directory on one disk, through its handle."""
