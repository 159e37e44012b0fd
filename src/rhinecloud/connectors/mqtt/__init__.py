"""MQTT: messages of sensors and platforms, from the city's own port or any other broker."""
