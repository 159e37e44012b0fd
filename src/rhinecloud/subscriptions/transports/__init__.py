"""How a notification reaches its receiver: `port` is the contract, `http` and `mqtt` implement it."""
