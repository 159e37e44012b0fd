"""PEGELONLINE: water levels of the federal waterways, REST v2."""
