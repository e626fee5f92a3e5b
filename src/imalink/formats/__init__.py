"""Bytes to core types and back: one module per kind of file, one codec per layout. No I/O."""
