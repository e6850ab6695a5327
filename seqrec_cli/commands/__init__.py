"""One file per command: options, then the core, then the printing."""
