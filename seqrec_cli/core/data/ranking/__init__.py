"""Rows of user, candidate and label: from a log, or from a table."""
