"""Finds the header of a table: the names of its columns, after lines such as a title or a date of export."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rhinecloud.connectors.csv.text import split_row
from rhinecloud.pack.codec import DecodeError

DELIMITERS = ",;\t|"
SEARCHED = 50
"""The lines in which a header is searched for."""
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class TableHeader:
    """The names of the columns, '' for one without a name, and the delimiter. `index` counts the lines before it."""

    index: int
    columns: tuple[str, ...]
    delimiter: str

    def is_repeated_by(self, text: str) -> bool:
        """Return whether a line is a header, too: half of its values or more are names of columns."""
        names = {name for name in self.columns if name}
        if not any(name in text for name in names):
            return False
        try:
            values = split_row(text, self.delimiter)
        except csv.Error:
            return False
        return 2 * len(names.intersection(values)) >= max(len(names), len(values))

    def checked(self) -> TableHeader:
        """Return the header without nameless columns at its end; raise DecodeError where a name stands twice, or where
        the names look like the values of a row."""
        doubled = [name for name, count in Counter(filter(None, self.columns)).items() if count > 1]
        if doubled:
            raise DecodeError(
                f"the header must have each column once, not {', '.join(map(repr, doubled))} twice"
            )
        if self.looks_like_data:
            raise DecodeError(
                f"the header must have names of columns, not {', '.join(self.columns)[:_SHOWN]}"
            )
        count = max((number for number, name in enumerate(self.columns, 1) if name), default=0)
        return replace(self, columns=self.columns[:count])

    @property
    def looks_like_data(self) -> bool:
        """Return whether half of the names or more are numbers."""
        return 2 * sum(map(_is_number, self.columns)) >= len(list(filter(None, self.columns)))


@dataclass(frozen=True, slots=True)
class HeaderSearch:
    """How to find a header: the delimiter, '' to find it, too; and names of columns that a mapping reads.

    With such names, the header is the line that has most of them. Without, it is the first line with as many columns as
    most lines have.
    """

    delimiter: str = ""
    names: frozenset[str] = frozenset()

    def find(self, texts: Sequence[str]) -> TableHeader:
        """Return the header among the first lines of a table; raise DecodeError."""
        candidates = list(self._candidates(texts[:SEARCHED]))
        header = self._by_names(candidates) if self.names else _by_width(candidates)
        if header is None:
            raise DecodeError(self._missing(texts))
        return header.checked()

    def find_in_line(self, text: str) -> TableHeader | None:
        """Return the header where a single line is one, else None; raise DecodeError where its names are invalid."""
        candidates = list(self._candidates([text]))
        if self.names:
            header = self._by_names(candidates)
        else:
            header = max(candidates, key=lambda each: len(each.columns), default=None)
            if header is not None and (len(header.columns) == 1 or header.looks_like_data):
                header = None
        return header.checked() if header is not None else None

    def _candidates(self, texts: Sequence[str]) -> Iterator[TableHeader]:
        for index, text in enumerate(texts):
            for delimiter in self.delimiter or DELIMITERS:
                try:
                    columns = split_row(text, delimiter)
                except csv.Error:
                    continue
                if any(columns):
                    yield TableHeader(index, tuple(columns), delimiter)

    def _by_names(self, candidates: Sequence[TableHeader]) -> TableHeader | None:
        def fit(header: TableHeader) -> tuple[int, int]:
            return len(self.names.intersection(header.columns)), len(header.columns)

        best = max(candidates, key=fit, default=None)
        return best if best is not None and fit(best)[0] else None

    def _missing(self, texts: Sequence[str]) -> str:
        if not texts:
            return "the table must not be empty"
        first = next((text for text in texts if text.strip()), "")
        shown = first if len(first) <= _SHOWN else f"{first[:_SHOWN]}…"
        wanted = (
            f" with a column that the mapping reads ({', '.join(sorted(self.names))})" if self.names else ""
        )
        return f"the table must have a header{wanted} within its first {SEARCHED} lines, which begin with {shown!r}"


def _by_width(candidates: Sequence[TableHeader]) -> TableHeader | None:
    """Return the first line with the number of columns that most lines have, by the delimiter that fits best."""
    best: tuple[int, TableHeader] | None = None
    for delimiter in DELIMITERS:
        rows = [each for each in candidates if each.delimiter == delimiter]
        widths = Counter(len(each.columns) for each in rows)
        width, count = max(
            widths.items(), key=lambda item: ((item[0] - 1) * item[1], item[0]), default=(0, 0)
        )
        if not width:
            continue
        fitting = {width}
        if all(not each.columns[-1] for each in rows if len(each.columns) == width and each.index):
            fitting.add(width - 1)  # rows that end with a delimiter, which the header does not
        header = next((each for each in rows if len(each.columns) in fitting), None)
        score = (width - 1) * count
        if header is not None and (best is None or score > best[0]):
            best = score, header
    return best[1] if best else None


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True
