"""Data of an older version for tests of migrations: shelves that hold their books as a list of texts."""

from __future__ import annotations

from collections.abc import Mapping

from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.migration import EntityMigration, RecordMigration
from rhinecloud.store.port import Edit, Put, Store, Written

SHELF, BOOK = "https://example.org/Shelf", "https://example.org/Book"
TITLES, TITLE, ON, COUNT = (f"https://example.org/{name}" for name in ("titles", "title", "on", "count"))
AT = "2026-03-01T10:00:00Z"


def split_shelf(shelf: Entity) -> Mapping[str, Entity | None]:
    """Make an entity of each title; the shelf keeps their number."""
    titles = shelf.first(TITLES)
    if titles is None:
        return {}
    attrs = {name: each for name, each in shelf.attrs.items() if name != TITLES}
    attrs[COUNT] = [Instance(value=len(titles.value))]
    after = Entity(id=shelf.id, type=shelf.type, created_at=shelf.created_at, attrs=attrs)
    books = [_book(shelf.id, number, title) for number, title in enumerate(titles.value)]
    return {each.id: each for each in (after, *books)}


def _book(shelf: str, number: int, title: str) -> Entity:
    attrs = {TITLE: [Instance(value=title)], ON: [Instance(type="Relationship", value=shelf)]}
    return Entity(id=f"{shelf}:{number}", type=[BOOK], attrs=attrs)


def drop_empty(shelf: Entity) -> Mapping[str, Entity | None]:
    """Delete a shelf without books."""
    count = shelf.first(COUNT)
    return {shelf.id: None} if count is not None and count.value == 0 else {}


SPLIT = EntityMigration(number=1, name="books are entities", type=SHELF, rewrite=split_shelf)
DROP = EntityMigration(number=2, name="empty shelves go", type=SHELF, rewrite=drop_empty)
CARDS = RecordMigration(number=3, name="cards are in capitals", kind="card", rewrite=bytes.upper)


async def fill(store: Store, shelves: int, tenant: str = "") -> None:
    """Write shelves with none to three books each."""
    edits = []
    for number in range(shelves):
        attrs = {TITLES: [Instance(value=[f"Book {number}.{each}" for each in range(number % 4)])]}
        shelf = Entity(id=f"urn:x:{number}", type=[SHELF], created_at=AT, modified_at=AT, attrs=attrs)
        edits.append(Edit(tenant, shelf.id, lambda _, it=shelf: Put(it, [TITLES]), AT))  # type: ignore[misc]
    for answer in await store.write(edits):
        assert isinstance(answer, Written)
