"""Replay: a recording instead of a live source."""
