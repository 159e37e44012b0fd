"""Decisions about entities: edits as pure functions, fragments, expiry, what a reader may see, and known types."""
