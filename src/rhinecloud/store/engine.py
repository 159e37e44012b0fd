"""Which engine keeps the state: a setting names it, this opens it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rhinecloud.kernel.checks import between, more_than
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.settings import setting
from rhinecloud.store.leadership import Leadership
from rhinecloud.store.migrations import KIND, DataVersion, versions_of
from rhinecloud.store.port import Store
from rhinecloud.store.postgres import PostgresStore
from rhinecloud.store.postgres.connection import DatabaseAddress
from rhinecloud.store.postgres.leadership import AdvisoryLeadership
from rhinecloud.store.postgres.transfer import PostgresTransfer
from rhinecloud.store.sqlite import SqliteReader, SqliteStore
from rhinecloud.store.sqlite.records import read_records
from rhinecloud.store.sqlite.transfer import SqliteTransfer
from rhinecloud.store.transfer import TransferableStore


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Section [store]: where the city's present state lies."""

    url: str = setting(
        "sqlite:city.db",
        "Engine and place: `sqlite:` and a path, taken from the data folder, or `postgresql://user@host/database`.",
    )
    password: str = setting("", "PostgreSQL's password for the user of `url`, where that has none.")
    connections: int = setting(
        6,
        "So many searches run in PostgreSQL at once, each on a connection of its own.",
        check=between(1, 100),
    )
    timeout_s: float = setting(
        10.0, "PostgreSQL has so long for one answer.", unit="seconds", check=more_than(0)
    )
    recent: int = setting(8_192, "So many entities of late are kept in memory as bytes.", unit="entities")
    indexes: tuple[str, ...] = setting(
        (),
        "Attributes that shall have an index whatever is asked, by their names in the city's @context; `scope` too."
        " Others get one once queries have paid for it.",
    )

    @property
    def shared(self) -> bool:
        """Whether several processes, on several machines, may write the store."""
        return self.url.partition(":")[0] in POSTGRESQL

    @property
    def address(self) -> DatabaseAddress:
        """Where PostgreSQL is."""
        return DatabaseAddress(self.url, self.password, self.timeout_s)


POSTGRESQL = ("postgresql", "postgres")


def make_leadership(settings: StoreSettings) -> Leadership | None:
    """Make this process's part in who leads, None where no other process can work on the store."""
    return AdvisoryLeadership(settings.address) if settings.shared else None


def make_store(
    settings: StoreSettings, folder: Path, *, reads_only: bool = False, indexes: Sequence[str] = ()
) -> Store:
    """Make the store that the settings name, not yet open; `folder` is the data folder. Raise Invalid.

    One that `reads_only` may be opened beside the process that writes. `indexes` are the IRIs of `settings.indexes`.
    """
    if settings.shared:
        return PostgresStore(
            settings.address,
            recent=settings.recent,
            connections=settings.connections,
            indexes=indexes,
        )
    engine = SqliteReader if reads_only else SqliteStore
    return engine(_file(settings, folder), recent=settings.recent, indexes=indexes)


def make_depot(settings: StoreSettings, folder: Path) -> TransferableStore:
    """Make what `store.transfer` moves from or into, not yet open. Raise Invalid."""
    return PostgresTransfer(settings.address) if settings.shared else SqliteTransfer(_file(settings, folder))


def read_data_versions(settings: StoreSettings, folder: Path) -> dict[str, DataVersion] | None:
    """Return how far the data of each part is without opening the store; None where only a server knows.

    Raise Unavailable where the file is no store, or Invalid.
    """
    if settings.shared:
        return None
    return versions_of(read_records(_file(settings, folder), KIND))


def _file(settings: StoreSettings, folder: Path) -> Path:
    scheme, _, place = settings.url.partition(":")
    if scheme == "sqlite" and place:
        return folder / place
    raise Invalid(
        f"{settings.url!r} names no engine; known: sqlite:<path>, postgresql://<user>@<host>/<database>",
        field="store.url",
    )
