"""TCP: a source that sends lines."""
