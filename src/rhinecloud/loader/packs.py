"""Finds the packs that are installed and loads each within a fence of its own: one that breaks stops no other."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from rhinecloud.kernel.errors import Invalid
from rhinecloud.loader.folder import read_pack
from rhinecloud.loader.model import BrokenPack, LoadedPack, PackFailure, Packs
from rhinecloud.pack import Pack

GROUP = "rhinecloud.packs"
"""The entry point group under which a distribution declares its packs."""

_log = logging.getLogger(__name__)


def find_packs(wanted: Iterable[str] = ("*",), found: Iterable[EntryPoint] | None = None) -> Packs:
    """Load the packs that are `wanted` by name (`*`: all) of those `found` (by default: all that are installed).

    A wanted pack that is not installed counts as failed.
    """
    names = set(wanted)
    points = sorted(entry_points(group=GROUP) if found is None else found, key=lambda point: point.name)
    loaded: list[LoadedPack] = []
    failed = [
        PackFailure(name, "is not installed")
        for name in sorted(names - {"*"} - {point.name for point in points})
    ]
    for point in points:
        if "*" not in names and point.name not in names:
            continue
        outcome = _load(point)
        if isinstance(outcome, PackFailure):
            failed.append(outcome)
        else:
            loaded.append(outcome)
    return Packs(loaded=tuple(loaded), failed=tuple(failed))


def _load(point: EntryPoint) -> LoadedPack | PackFailure:
    try:
        pack = point.load()
        if not isinstance(pack, Pack):
            raise BrokenPack(f"{point.value} is no Pack")  # noqa: TRY301 - all reasons end in the same place
        return read_pack(pack)
    except Invalid as error:
        return PackFailure(point.name, "; ".join(str(each) for each in error.faults))
    except Exception as error:  # noqa: BLE001 - a pack is foreign code; whatever it raises is its failure alone
        _log.debug("the pack %s cannot be loaded", point.name, exc_info=True)
        return PackFailure(point.name, f"{type(error).__name__}: {error}")
