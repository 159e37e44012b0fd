"""GTFS-Realtime: delays, vehicles and alerts of public transport."""
