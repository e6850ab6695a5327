"""From files to interactions: DuckDB reads, these modules say what it reads and how."""
