"""GTFS: timetables, as a zip of tables."""
