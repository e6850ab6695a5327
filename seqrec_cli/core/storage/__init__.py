"""Files on disk: one writer, locks, arrays, tensors, downloads."""
