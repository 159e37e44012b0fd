"""How a notification reaches its receiver: `port` is the contract, HTTP and MQTT implement it."""
