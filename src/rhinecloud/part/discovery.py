"""Finds the parts that installed distributions declare under the entry point `rhinecloud.parts`."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from rhinecloud.kernel.failures import describe_failure
from rhinecloud.part.model import Part

GROUP = "rhinecloud.parts"
"""The entry point group; an entry's name is its part's name."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PartFailure:
    """A part of another distribution that could not be loaded or opened, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that were found, in the order in which they are opened, and those that could not be loaded."""

    loaded: tuple[Part, ...] = ()
    failed: tuple[PartFailure, ...] = ()


def find_declared(taken: Collection[str] = ()) -> Parts:
    """Return the declared parts by name; one that fails stops no other. Names in `taken` are refused."""
    loaded: list[Part] = []
    failed: list[PartFailure] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            loaded.append(_load(entry, taken))
        except Exception as error:  # noqa: BLE001 - whatever fails in another's module must not stop the city
            reason = describe_failure(error, entry.module)
            _log.error("the part %s cannot be loaded: %s", entry.name, reason)
            failed.append(PartFailure(entry.name, reason))
    return Parts(tuple(loaded), tuple(failed))


def _load(entry: EntryPoint, taken: Collection[str]) -> Part:
    if entry.name in taken:
        raise ValueError(f"there is a part {entry.name} already")
    part = entry.load()
    if not isinstance(part, Part):
        raise TypeError(f"{entry.value} is a {type(part).__name__}, and must be a rhinecloud.part.Part")
    if part.name != entry.name:
        raise ValueError(f"the part is named {part.name}, and its entry point must have the same name")
    return part
