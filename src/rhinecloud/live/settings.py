"""What an operator may set about the live feed."""

from __future__ import annotations

from dataclasses import dataclass

from rhinecloud.kernel.settings import setting


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """Section `[live]` of `city.toml`."""

    remembered: int = setting(
        20_000, "Changes kept in memory, from which a browser that comes back catches up"
    )
    remembered_megabytes: int = setting(
        8, "Most memory that these changes take; beyond it fewer of them are kept", unit="MB"
    )
    catch_up: int = setting(
        20_000, "Most changes that a browser catches up on; one that missed more queries afresh"
    )
    queue: int = setting(
        10_000, "Most changes that wait for one slow browser; beyond it the browser queries afresh"
    )
    interval_s: float = setting(0.1, "Shortest time between two messages to one browser", unit="s")
    ping_s: float = setting(15.0, "How often a browser hears from the city at least", unit="s")
    send_timeout_s: float = setting(30.0, "How long a browser may take no data before it is let go", unit="s")
    clients: int = setting(1_000, "Most browsers at a time")
