"""What commands print: tables, notes and plain values for JSON."""
