"""Rules in YAML and CEL over the stream, and the alerts that they raise."""
