"""Replay: a recording in place of a live source."""
