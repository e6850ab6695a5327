"""Ranking: will this user like this candidate? Rows with labels, their models' training and use."""
