"""Settings of the history."""

from __future__ import annotations

from dataclasses import dataclass

from rhinecloud.kernel.settings import setting


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """Section `[history]`: how long the hot table keeps past values."""

    keep_days: float = setting(90.0, "How long past values are kept; 0: for ever.", unit="d")
    timeline_types: tuple[str, ...] = setting(
        ("urn:rhinecloud:ns:Incident", "urn:rhinecloud:ns:Task"),
        "Type IRIs of which whole changes are kept, for timelines.",
    )
