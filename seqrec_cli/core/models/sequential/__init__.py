"""Models that read a history and score the next item."""
