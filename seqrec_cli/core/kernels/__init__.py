"""Hand-written kernels, each with its plain twin."""
