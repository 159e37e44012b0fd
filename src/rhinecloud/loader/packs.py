"""Finds the packs that are installed, and loads each by itself: one that is broken stops no other."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.failures import describe_failure
from rhinecloud.loader.folder import read_pack
from rhinecloud.loader.model import BrokenPack, LoadedPack, PackFailure, Packs
from rhinecloud.pack import Pack
from rhinecloud.part import ContentKind

GROUP = "rhinecloud.packs"
"""The entry point group under which a distribution declares its packs."""

_log = logging.getLogger(__name__)


def find_packs(
    wanted: Iterable[str] = ("*",),
    found: Iterable[EntryPoint] | None = None,
    *,
    kinds: Sequence[ContentKind[Any]] = (),
) -> Packs:
    """Load the packs that are `wanted` by name of those `found`, by default all that are installed.

    `*` stands for all, `!name` leaves one out. `kinds` are the files that are read. A wanted pack that is not installed
    counts as failed.
    """
    names = set(wanted)
    points = sorted(entry_points(group=GROUP) if found is None else found, key=lambda point: point.name)
    chosen = [each for each in points if _is_wanted(each.name, names)]
    missing = sorted(
        each for each in names if each[:1] not in ("*", "!") and each not in {p.name for p in points}
    )
    outcomes = [load_pack(point, kinds) for point in chosen]
    return Packs(
        loaded=tuple(each for each in outcomes if isinstance(each, LoadedPack)),
        failed=(
            *(PackFailure(name, "is not installed") for name in missing),
            *(each for each in outcomes if isinstance(each, PackFailure)),
        ),
    )


def installed_packs() -> frozenset[str]:
    """Return the names of the packs that are installed, used or not."""
    return frozenset(point.name for point in entry_points(group=GROUP))


def _is_wanted(name: str, names: set[str]) -> bool:
    return f"!{name}" not in names and ("*" in names or name in names)


def load_pack(point: EntryPoint, kinds: Sequence[ContentKind[Any]]) -> LoadedPack | PackFailure:
    """Load one pack; whatever it raises is the reason of its failure."""
    try:
        return read_pack(import_pack(point), kinds)
    except Invalid as error:
        return PackFailure(point.name, "; ".join(str(each) for each in error.faults))
    except Exception as error:  # noqa: BLE001 - a pack is code of others; whatever it raises is its failure alone
        _log.debug("the pack %s cannot be loaded", point.name, exc_info=True)
        return PackFailure(point.name, describe_failure(error, point.module))


def import_pack(point: EntryPoint) -> Pack:
    """Import what an entry point names; raise BrokenPack where it is not a pack, or whatever its code raises."""
    pack = point.load()
    if not isinstance(pack, Pack):
        raise BrokenPack(f"{point.value} must be a rhinecloud.pack.Pack")
    return pack
