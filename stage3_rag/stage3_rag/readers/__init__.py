"""One file a format: bytes in, documents with their headings out."""
