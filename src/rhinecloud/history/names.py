"""Short numbers for the IRIs of attributes, which would otherwise fill most of the table."""

from __future__ import annotations

from collections.abc import Mapping

from rhinecloud.history.samples import Label

MOST = 50_000
"""A city has some hundred attributes; beyond this number IRIs are stored as they are."""


class Names:
    """The numbers that are committed, and the `fresh` ones of the next transaction."""

    def __init__(self, known: Mapping[str, int]) -> None:
        self.fresh: dict[str, int] = {}
        self._numbers = dict(known)

    def label(self, iri: str) -> Label:
        """Return the label of an IRI, a fresh number where it is new."""
        return self._numbers.get(iri) or self._enter(iri)

    def find(self, iri: str) -> Label:
        """Return the label of an IRI, the IRI itself where it has none."""
        return self._numbers.get(iri, iri)

    def keep(self, committed: Mapping[str, int]) -> None:
        """Note that the fresh numbers of a transaction are committed."""
        for iri in committed:
            self.fresh.pop(iri, None)

    def _enter(self, iri: str) -> Label:
        if len(self._numbers) >= MOST:
            return iri
        number = len(self._numbers) + 1
        self._numbers[iri] = self.fresh[iri] = number
        return number
