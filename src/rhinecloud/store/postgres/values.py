"""The attribute indexes: which exist, what a write changes in them, and how keys are encoded.

Every process that writes must maintain every index. So the set of indexes has an edition: a write names the edition
that it knows, and is refused if that is not the present one.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator

from rhinecloud.ngsild.entity import Entity
from rhinecloud.store.index_costs import AttributeIndex
from rhinecloud.store.keys import Key, keeps_keys, keys_of
from rhinecloud.store.postgres.connection import Connection

_pack = struct.Struct(">Q").pack
_double = struct.Struct("<d").pack
_whole = struct.Struct("<Q").unpack
_SIGN = 1 << 63


Among = tuple[int, int]
"""The numbers of the tenant and the type whose entities a query searches; type 0: all."""


class PostgresAttributeIndexes:
    """The indexes of an edition."""

    def __init__(self) -> None:
        self.edition = 0
        self.kept: dict[str, AttributeIndex] = {}
        self.uses: Counter[tuple[str, Among]] = Counter()

    async def load(self, connection: Connection) -> None:
        """Read which indexes exist."""
        rows = await connection.fetch(
            "SELECT c.indexes, i.id, i.name, i.asked, i.built FROM counter AS c LEFT JOIN indexed AS i ON true"
        )
        self.edition = rows[0][0]
        before, self.kept = self.kept, {}
        for _, number, name, asked, built in rows:
            if number is not None:
                index = self.kept[name] = AttributeIndex(number, name, asked, built)
                if (old := before.get(name)) is not None and old.number == number:
                    index.upkeep, index.spared = old.upkeep, old.spared

    def ready(self, name: str) -> bool:
        """Return whether queries about an attribute may use an index."""
        index = self.kept.get(name)
        return index is not None and index.ready

    def use(self, names: Iterable[str], among: Among, looked: int) -> None:
        """Count a query that used these indexes, and the documents that it still read."""
        for name in names:
            if name in self.kept:
                self.kept[name].spared -= looked
                self.uses[name, among] += 1

    def moved(self, before: Entity | None, after: Entity | None) -> Iterator[tuple[int, set[Key], set[Key]]]:
        """Return the keys that go and those that come, by index, as an entity becomes another one, or comes, or
        goes.
        """
        for name, index in self.kept.items():
            if before is not None and after is not None and keeps_keys(before, after, name):
                continue
            old, new = keys_of(before, name), keys_of(after, name)
            if old != new:
                index.upkeep += len(old ^ new)
                yield index.number, old - new, new - old


def encode_key(key: Key) -> bytes:
    """Return a key as bytes with the same order: numbers, strings, others."""
    if isinstance(key, str):
        return b"\x02" + key.encode(errors="surrogatepass")
    if isinstance(key, bytes):
        return b"\x03" + key
    (bits,) = _whole(_double(key + 0.0))  # -0.0 becomes 0.0
    return b"\x01" + _pack(bits ^ _SIGN if bits < _SIGN else ~bits & 0xFFFF_FFFF_FFFF_FFFF)
