"""The live feed: what changes in the city, pushed to browsers over a WebSocket as it happens."""

from rhinecloud.live.feed import LiveFeed
from rhinecloud.live.settings import LiveSettings

__all__ = ["LiveFeed", "LiveSettings"]
