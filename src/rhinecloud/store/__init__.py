"""The city's present state and the log of its changes: `port` is the contract, one file an engine."""
