"""The language NGSI-LD (ETSI GS CIM 009 v1.9.1) as pure values and functions: no I/O, no clock, no async."""
