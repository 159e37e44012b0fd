"""Feeds, which bring readings from outside to the broker, and lose none that they acknowledged.

A feed is a `link` (the socket), a bounded queue, a `codec` (bytes to messages), a `mapping` (messages to entities,
from a pack or a YAML file) and the broker. `plan` makes feeds from settings; `feeds.Feeds` runs them.
"""
