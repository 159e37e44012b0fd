"""Sees risk coming: rules in YAML and CEL over the stream, and the alerts that they raise."""
