"""CAP 1.2: warnings to the public."""
