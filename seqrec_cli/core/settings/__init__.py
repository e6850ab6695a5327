"""Settings: strict YAML, checked with line numbers."""
