"""From bytes to columns: the formats of logs, and what they have in common."""
