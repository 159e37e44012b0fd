"""The state of the engine between changes, saved together with its position in the stream."""

from __future__ import annotations

from typing import Any

import msgspec

from rhinecloud.kernel.severity import Severity
from rhinecloud.risk.facts import ReadingFacts
from rhinecloud.risk.window import WindowSamples


class RuleWatch(msgspec.Struct, omit_defaults=True):
    """The state of one rule for one entity. Times are seconds since 1970, `since` of observation, others of the clock.

    `alert` is the fingerprint of the active alert that this entity holds; `reading` is kept while a timer runs.
    """

    since: float | None = None
    since_clock: float = 0.0
    readings: int = 0
    due: float | None = None
    alert: str = ""
    inside: bool = False
    samples: WindowSamples | None = None
    reading: ReadingFacts | None = None

    def is_idle(self) -> bool:
        """Return whether the watch can be dropped."""
        return (
            self.since is None
            and self.due is None
            and not self.alert
            and not self.inside
            and self.samples is None
            and self.reading is None
        )


class ActiveAlert(msgspec.Struct, omit_defaults=True):
    """An active alert: the entities that hold it, its occurrences, and when it was last written."""

    id: str
    onset: str
    severity: Severity
    occurrences: int
    last_seen: float
    reported_at: float = msgspec.field(name="told_at")
    holders: list[str]
    entity_id: str
    simulated: bool = False
    due: float | None = None


VERSION = 1


class RiskState(msgspec.Struct, omit_defaults=True):
    """The whole state: `cursor` is the last evaluated change, `now` the time up to which changes are evaluated."""

    cursor: int = 0
    now: float = 0.0
    watches: dict[str, dict[str, RuleWatch]] = msgspec.field(default_factory=dict)
    """By rule id, then entity id."""
    alerts: dict[str, dict[str, ActiveAlert]] = msgspec.field(default_factory=dict)
    """By rule id, then fingerprint."""
    cooling: dict[str, dict[str, float]] = msgspec.field(default_factory=dict)
    """By rule id, then fingerprint: no new alert before this moment."""
    digests: dict[str, str] = msgspec.field(default_factory=dict)
    unkeyed_until: float = 0.0
    """Up to this moment alerts get the ids of version 0: a crash before the upgrade may have written them."""
    version: int = 0
    """0: the ids of its alerts were derived without a key."""
    areas: dict[str, Any] = msgspec.field(default_factory=dict)
    """Geometries of the entities that serve as areas, by entity id."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(RiskState)


def encode_state(state: RiskState) -> bytes:
    """Return the state as bytes."""
    return _encoder.encode(state)


def decode_state(body: bytes) -> RiskState:
    """Return the state of bytes."""
    return _decoder.decode(body)


def upgrade_state(state: RiskState, now: float) -> RiskState:
    """Return a state of version 0 as one of the present version, at `now` in seconds since 1970."""
    if state.version < VERSION:
        state.unkeyed_until, state.version = now, VERSION
    return state
