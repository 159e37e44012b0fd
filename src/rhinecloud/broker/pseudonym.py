"""The pseudonym of a city in `Via`, by which it recognises requests that it sent itself.

Two cities may have the same alias, so the pseudonym has a random part, which the store keeps.
Source: RFC 9110, clause 7.6.3; ETSI GS CIM 009 v1.9.1, clause 6.3.18.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from rhinecloud.store.port import Record, Store

KIND = "pseudonym"


@dataclass(frozen=True, slots=True)
class Pseudonym:
    """The pseudonym of this city; '' where the city has none yet, since it has never run."""

    name: str

    @property
    def via(self) -> str:
        """The value of the `Via` field of the city's own requests."""
        return f"1.1 {self.name}"

    def is_in(self, via: str) -> bool:
        """Return whether a `Via` field names this city."""
        return bool(self.name) and any(
            self.name == each.split()[-1] for each in via.split(",") if each.split()
        )


async def read_pseudonym(store: Store, alias: str, *, make: bool) -> Pseudonym:
    """Return the pseudonym; `make` one where there is none."""
    record = await store.get_record(KIND, "", KIND)
    if record is None and make:
        record = Record(KIND, "", KIND, secrets.token_hex(8).encode())
        await store.put_records([record])
    return Pseudonym("" if record is None else f"{alias}-{record.body.decode()}")
