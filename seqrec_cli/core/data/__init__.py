"""From logs to prepared datasets."""
