"""Makes the store of the engine that the settings name."""

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
from rhinecloud.store.postgres.versions import read_records as read_database
from rhinecloud.store.sqlite import SqliteReader, SqliteStore
from rhinecloud.store.sqlite.records import read_records
from rhinecloud.store.sqlite.transfer import SqliteTransfer
from rhinecloud.store.transfer import TransferableStore


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Section [store]: where the city's present state is stored."""

    url: str = setting(
        "sqlite:city.db",
        "Engine and location: `sqlite:` and a path relative to the data folder, or `postgresql://user@host/database`.",
    )
    password: str = setting("", "PostgreSQL's password for the user of `url`, if that contains none.")
    connections: int = setting(
        6,
        "How many searches run in PostgreSQL at once, each on its own connection.",
        check=between(1, 100),
    )
    timeout_s: float = setting(
        10.0, "How long PostgreSQL may take for one answer.", unit="seconds", check=more_than(0)
    )
    recent: int = setting(
        8_192, "How many recently used entities are kept in memory as bytes.", unit="entities"
    )
    indexes: tuple[str, ...] = setting(
        (),
        "Attributes that always have an index, by their names in the city's @context; `scope` is allowed."
        " Others get one when queries need it often.",
    )

    @property
    def shared(self) -> bool:
        """Whether several processes, on several machines, may write the store."""
        return self.url.partition(":")[0] in POSTGRESQL

    @property
    def address(self) -> DatabaseAddress:
        """The address of PostgreSQL."""
        return DatabaseAddress(self.url, self.password, self.timeout_s)


POSTGRESQL = ("postgresql", "postgres")


def make_leadership(settings: StoreSettings) -> Leadership | None:
    """Return this process's leadership, None if no other process can work on the store."""
    return AdvisoryLeadership(settings.address) if settings.shared else None


def make_store(
    settings: StoreSettings, folder: Path, *, reads_only: bool = False, indexes: Sequence[str] = ()
) -> Store:
    """Return the store that the settings name, not yet open; `folder` is the data folder. Raise Invalid.

    One that `reads_only` may be opened while another process writes. `indexes` are the IRIs of `settings.indexes`.
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


def make_transferable_store(settings: StoreSettings, folder: Path) -> TransferableStore:
    """Return the store for `store.transfer`, not yet open. Raise Invalid."""
    return PostgresTransfer(settings.address) if settings.shared else SqliteTransfer(_file(settings, folder))


def read_data_versions(settings: StoreSettings, folder: Path) -> dict[str, DataVersion] | None:
    """Return the data versions of each part without opening the store; None where nothing was ever stored.

    Raise Unavailable if the file is not a store or the database does not answer, or Invalid.
    """
    shared = settings.shared
    found = read_database(settings.address, KIND) if shared else read_records(_file(settings, folder), KIND)
    return None if found is None else versions_of(found)


def _file(settings: StoreSettings, folder: Path) -> Path:
    scheme, _, place = settings.url.partition(":")
    if scheme == "sqlite" and place:
        return folder / place
    raise Invalid(
        f"must be sqlite:<path> or postgresql://<user>@<host>/<database>, not {settings.url!r}",
        field="store.url",
    )
