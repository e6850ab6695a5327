"""From histories to scores, lists and vectors."""
