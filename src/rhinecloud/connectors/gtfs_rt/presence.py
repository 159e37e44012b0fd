"""What a feed of GTFS-Realtime has spoken of, so that what it no longer speaks of can be ended.

A full frame (`FULL_DATASET`) replaces the one before: an alert that is not in it has ended, a vehicle or trip that is
not in any for `LEAVE_AFTER_S` has left (many producers omit a vehicle from a frame or two). A differential frame names
what is deleted (`is_deleted`) by the entity's id.
Source: GTFS Realtime Reference, FeedHeader.incrementality and FeedEntity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = ("vehicle", "trip_update", "alert")
RUN = ("trip_id", "start_date", "start_time")
ROUTE_RUN = ("route_id", "direction_id", *RUN)
LEAVE_AFTER_S = 300
REMEMBERED = 100_000
"""Things that are remembered at most; the one that was not seen for the longest time is forgotten first."""

Key = tuple[Any, ...]


@dataclass(slots=True)
class _Seen:
    """A thing of a frame: the entity's id, when it was last in a frame, and what identifies it."""

    entity_id: str
    at: float
    identity: dict[str, Any]


@dataclass(slots=True)
class FeedPresence:
    """Remembers the things of one feed."""

    seen: dict[Key, _Seen] = field(default_factory=dict)
    several_runs: dict[str, None] = field(default_factory=dict)
    """Trips of which one frame held several runs: only start date and time tell these apart."""

    def mark_runs(self, messages: list[dict[str, Any]]) -> None:
        """Set `several_runs` in the trip of each message whose `trip_id` alone does not identify its run."""
        runs: dict[str, set[Key]] = {}
        trips = [trip for message in messages for trip in _trips(message) if trip.get("trip_id")]
        for trip in trips:
            runs.setdefault(trip["trip_id"], set()).add(tuple(trip.get(name) for name in RUN))
        self.several_runs.update((name, None) for name, found in runs.items() if len(found) > 1)
        for trip in trips:
            if trip["trip_id"] in self.several_runs:
                trip["several_runs"] = True
        while len(self.several_runs) > REMEMBERED:
            del self.several_runs[next(iter(self.several_runs))]

    def add(self, message: Mapping[str, Any], now: float) -> None:
        """Remember the things of a message."""
        for kind in KINDS:
            if kind in message:
                key = (kind, *_key(kind, message))
                self.seen.pop(key, None)
                self.seen[key] = _Seen(str(message.get("id")), now, _identity(kind, message[kind]))
        while len(self.seen) > REMEMBERED:
            del self.seen[next(iter(self.seen))]

    def left(self, messages: list[dict[str, Any]], now: float) -> Iterator[dict[str, Any]]:
        """Yield a message with `is_deleted` for each thing that a full frame of `messages` shows to be gone."""
        present = {(kind, *_key(kind, message)) for message in messages for kind in KINDS if kind in message}
        for key, thing in list(self.seen.items()):
            if key not in present and (key[0] == "alert" or now - thing.at >= LEAVE_AFTER_S):
                yield self._forget(key)

    def deleted(self, entity_id: str) -> Iterator[dict[str, Any]]:
        """Yield a message with `is_deleted` for each thing of an entity of the feed."""
        for key in [key for key, thing in self.seen.items() if thing.entity_id == entity_id]:
            yield self._forget(key)

    def _forget(self, key: Key) -> dict[str, Any]:
        thing = self.seen.pop(key)
        return {"id": thing.entity_id, "is_deleted": True, key[0]: thing.identity}


def _trips(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for kind in ("vehicle", "trip_update"):
        trip = message.get(kind, {}).get("trip")
        if trip is not None:
            yield trip


def _key(kind: str, message: Mapping[str, Any]) -> Key:
    """Return what identifies a thing from frame to frame; the entity's id does so for alerts alone."""
    if kind == "alert":
        return (message.get("id"),)
    part = message[kind]
    if kind == "vehicle" and part.get("vehicle", {}).get("id"):
        return (part["vehicle"]["id"],)
    trip = part.get("trip", {})
    whole = kind == "vehicle" or trip.get("several_runs")
    names = ROUTE_RUN if not trip.get("trip_id") else RUN if whole else RUN[:1]
    return (*(trip.get(name) for name in names), part.get("vehicle", {}).get("label") if not trip else None)


def _identity(kind: str, part: Mapping[str, Any]) -> dict[str, Any]:
    return {} if kind == "alert" else {name: part[name] for name in ("vehicle", "trip") if name in part}
