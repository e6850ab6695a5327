"""Models that rank candidates."""
