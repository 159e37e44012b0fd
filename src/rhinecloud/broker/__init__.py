"""The context broker: all reads and writes of the city's state. `service` is its Python interface, `http` its API.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.6 (provision), 5.7 (consumption), 5.8 (subscription), 5.13 (@contexts) and
6 (HTTP).
"""
