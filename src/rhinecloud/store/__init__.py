"""The city's present state and the log of its changes: `port` is the contract, with one folder for each engine."""
