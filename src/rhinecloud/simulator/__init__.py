"""A city of devices: vessels, vehicles and sensors that speak to a running city only through its protocols.

It drives the demo where no recorded feed exists, drills, and load tests. Everything it sends is marked as simulated.
"""
