"""Decisions about entities: edits as pure functions, fragments, expiry, read rights, and the known types."""
