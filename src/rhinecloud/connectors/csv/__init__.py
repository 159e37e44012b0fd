"""CSV: rows of a table."""
