"""From a log to a prepared dataset, and back from disk."""
