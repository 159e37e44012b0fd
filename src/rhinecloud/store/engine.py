"""Which engine keeps the state: a setting names it, this opens it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.settings import setting
from rhinecloud.store.port import Store
from rhinecloud.store.sqlite import SqliteStore


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Section [store]: where the city's present state lies."""

    url: str = setting(
        "sqlite:city.db", "Engine and place: `sqlite:` and a path, taken from the data folder."
    )
    recent: int = setting(8_192, "So many entities of late are kept in memory as bytes.", unit="entities")


def make_store(settings: StoreSettings, folder: Path) -> Store:
    """Make the store that the settings name, not yet open; `folder` is the data folder. Raises Invalid."""
    scheme, _, place = settings.url.partition(":")
    if scheme == "sqlite" and place:
        return SqliteStore(folder / place, recent=settings.recent)
    raise Invalid(f"{settings.url!r} names no engine; known: sqlite:<path>", field="store.url")
