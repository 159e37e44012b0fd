"""Settings of the live feed."""

from __future__ import annotations

from dataclasses import dataclass

from rhinecloud.kernel.settings import setting


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """Section `[live]` of `city.toml`."""

    remembered: int = setting(20_000, "Changes kept in memory for browsers that reconnect")
    remembered_megabytes: int = setting(
        8, "Most memory that these changes take; beyond it fewer of them are kept", unit="MB"
    )
    catch_up: int = setting(
        20_000, "Most changes that a reconnecting browser gets; one that missed more queries again"
    )
    queue: int = setting(
        10_000, "Most changes that wait for one slow browser; beyond it the browser queries again"
    )
    interval_s: float = setting(0.1, "Shortest time between two messages to one browser", unit="s")
    ping_s: float = setting(15.0, "Longest time without a message to a browser", unit="s")
    send_timeout_s: float = setting(
        30.0, "How long a browser may accept no data before it is disconnected", unit="s"
    )
    clients: int = setting(1_000, "Most browsers at a time")
