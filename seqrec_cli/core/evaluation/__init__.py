"""How good scores are, with intervals."""
