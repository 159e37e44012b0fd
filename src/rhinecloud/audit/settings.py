"""Settings of `[audit]`: how long the audit trail is kept, and how much of it a flood may write."""

from __future__ import annotations

from dataclasses import dataclass

from rhinecloud.kernel.checks import between
from rhinecloud.kernel.settings import setting


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """The section `[audit]` of `city.toml`."""

    keep_days: int = setting(
        365, "The audit trail is kept for so many days.", unit="days", check=between(1, 36_500)
    )
    refusals_per_minute: int = setting(
        200,
        "So many different refusals and failures a minute get lines of their own; the others are counted in one line.",
        unit="lines",
        check=between(1, 100_000),
    )
