"""Settings of notifications."""

from __future__ import annotations

from dataclasses import dataclass

from rhinecloud.kernel.settings import setting


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """Section `[notifications]` of `city.toml`."""

    timeout_s: float = setting(
        5.0, "How long to wait for a receiver's answer, unless its subscription says", unit="s"
    )
    max_timeout_s: float = setting(60.0, "The longest timeout that a subscription may ask for", unit="s")
    first_retry_s: float = setting(
        0.5, "The pause after a first failure; each further failure doubles it", unit="s"
    )
    max_retry_s: float = setting(60.0, "The longest pause between two attempts", unit="s")
    refusals: int = setting(
        5, "Attempts after which a notification is dropped that its receiver rejects (HTTP 4xx)"
    )
    queue: int = setting(1_000, "Changes that wait in memory for one subscription; more wait in the store")
    max_pending: int = setting(
        100_000, "Most changes that wait for one subscription; beyond it the oldest are dropped"
    )
    hold_s: float = setting(
        2.0, "How long a change waits in memory before it is also written to the store", unit="s"
    )
    entities: int = setting(100, "Most entities in one notification when several wait; 1 sends each alone")
    window: int = setting(4_096, "Most frames of the stream that are in progress at a time")
    connections: int = setting(64, "Most connections to one HTTP receiver")
    allow_private_receivers: bool | None = setting(
        None,
        "Whether notifications may go to loopback and private addresses; not set: only while the city itself "
        "listens on loopback",
    )

    def may_reach_private(self, host: str) -> bool:
        """Return whether private receivers are allowed in a city that listens on `host`."""
        if self.allow_private_receivers is not None:
            return self.allow_private_receivers
        return host in ("localhost", "::1") or host.startswith("127.")
