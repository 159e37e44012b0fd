"""TCP: a source that sends lines without being asked."""
