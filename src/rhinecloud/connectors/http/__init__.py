"""HTTP: a source that is asked again and again."""
