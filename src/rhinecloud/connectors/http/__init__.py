"""HTTP: a source that is polled."""
