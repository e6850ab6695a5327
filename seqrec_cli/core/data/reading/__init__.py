"""Files in, columns out."""
