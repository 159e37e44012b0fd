"""The context broker: the one door to the city's state. `service` is the way in for the house, `door` for the network.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.6 (provision), 5.7 (consumption), 5.8 (subscription), 5.13 (@contexts) and
6 (HTTP).
"""
