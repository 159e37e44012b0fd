"""What an operator may set about notifications and the live feed."""

from __future__ import annotations

from dataclasses import dataclass

from rhinecloud.kernel.settings import setting


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """Section `[notifications]` of `city.toml`."""

    timeout_s: float = setting(
        5.0, "How long a receiver may take to answer when its subscription does not say", unit="s"
    )
    max_timeout_s: float = setting(
        60.0, "The longest time that a subscription may ask to be waited for", unit="s"
    )
    first_retry_s: float = setting(
        0.5, "The pause after a first failure; each further one doubles it", unit="s"
    )
    max_retry_s: float = setting(60.0, "The longest pause between two attempts", unit="s")
    refusals: int = setting(
        5, "Attempts after which a notification is given up that its receiver refuses (HTTP 4xx)"
    )
    queue: int = setting(1_000, "Changes that wait in memory for one subscription; more wait in the store")
    max_pending: int = setting(
        100_000, "Changes that may wait for one subscription at all; beyond it the oldest go"
    )
    hold_s: float = setting(
        2.0, "How long a change waits in memory before it is also written to the store", unit="s"
    )
    entities: int = setting(100, "Most entities in one notification when several wait; 1 sends each alone")
    window: int = setting(
        4_096, "Frames of the stream that may be in hand before the first of them is done with"
    )
    connections: int = setting(
        64, "Most connections to one HTTP receiver, whose further subscriptions then wait for one"
    )
    allow_private_receivers: bool | None = setting(
        None,
        "Whether notifications may go to loopback and private addresses; not set: only while the city itself "
        "listens on loopback",
    )

    def may_reach_private(self, host: str) -> bool:
        """Tell whether private receivers are allowed in a city that listens on `host`."""
        if self.allow_private_receivers is not None:
            return self.allow_private_receivers
        return host in ("localhost", "::1") or host.startswith("127.")
