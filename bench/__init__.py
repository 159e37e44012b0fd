"""Benchmarks: every promise about speed as a ratio measured in one run, `python -m bench`."""
