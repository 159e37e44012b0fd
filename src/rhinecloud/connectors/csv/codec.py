"""CSV to messages: each row is a message, its columns the members, all values as text; `topic` is the MQTT topic, the
URL or the file, unless a column has that name.

Lines before the header, such as a title, are left out and counted. A row that cannot be read costs itself alone.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from rhinecloud.connectors.csv.header import HeaderSearch, TableHeader
from rhinecloud.connectors.csv.text import REPLACEMENT, TableLine, read_lines, split_row
from rhinecloud.connectors.nodata import NoDataWords
from rhinecloud.connectors.times import USUAL_TIME_MEMBERS
from rhinecloud.kernel.moments import find_moment
from rhinecloud.pack.codec import DecodeError, DecodeFault, Framing, Ignored, Message, Parcel

_ANY_TIME = datetime.min.replace(tzinfo=UTC)
LONGEST_VALUE = 50
"""The most lines of one row, whose quoted values hold line breaks."""

TITLE = "a line before the header"
COMMENT = "a comment"
HEADER_AGAIN = "the header once more"
NOT_UTF8 = "a line that is not UTF-8 was read as Windows-1252; the setting `encoding` names another encoding"
REPLACED = f"a value with {REPLACEMENT}, a character that was lost before it came here, is left out"
EMPTY_ROW = "a row without values"
UNNAMED = "a column without a name is left out"


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How a table is written; '' and 0 stand for what is found from the table itself.

    `skip_lines` come before the header, lines that begin with `comment` are left out, values that are one of `no_data`
    are left out of their row. With `whole` every parcel is a table with its own header, else a part of one table.
    `names` are columns that the mapping reads, by which the header is found.
    """

    delimiter: str = ""
    encoding: str = ""
    skip_lines: int = 0
    comment: str = ""
    no_data: tuple[str, ...] = ()
    time_field: str = ""
    whole: bool = False
    names: frozenset[str] = frozenset()


class CsvCodec:
    """Decodes rows; keeps the header from one parcel to the next unless each parcel is a whole table.

    A value with line breaks is read in whole tables only.
    """

    framing = Framing.LINE

    def __init__(self, table: CsvFormat | None = None) -> None:
        self._format = table or CsvFormat()
        self._search = HeaderSearch(self._format.delimiter, self._format.names)
        self._no_data = NoDataWords(self._format.no_data)
        self.time_members = (
            frozenset({self._format.time_field}) if self._format.time_field else USUAL_TIME_MEMBERS
        )
        self._start()

    def decode(self, parcel: Parcel) -> Iterator[Message | DecodeFault | Ignored]:
        """Yield a message for each row, a DecodeFault, with the lines up to the header before it, for each invalid one,
        and Ignored for other lines. Raise DecodeError where no row can be read."""
        if self._format.whole:
            self._start()
        lines = list(read_lines(parcel.body, self._format.encoding))
        titles, first = self._find_header(lines)
        guessed = next((line for line in lines if line.guessed), None)
        if guessed is not None:
            yield Ignored(NOT_UTF8, guessed.text)
        yield from titles
        for item in self._rows(lines[first:]):
            yield {"topic": parcel.origin, **item} if parcel.origin and isinstance(item, dict) else item

    def recorded_at(self, unit: bytes) -> datetime | None:
        """Return the time of a row; the header must have been read with the units before it."""
        try:
            rows = [item for item in self.decode(Parcel(unit, _ANY_TIME)) if isinstance(item, dict)]
        except DecodeError:
            return None
        moments = (find_moment(row.get(name)) for row in rows for name in self.time_members)
        return next((moment for moment in moments if moment), None)

    def _start(self) -> None:
        self._header: TableHeader | None = None
        self._head: list[bytes] = []
        """The lines up to the header, which stand before a row that is kept as a fault."""
        self._unnamed_reported = False
        self._refusal = ""
        """Why the header of a table that comes in parts is invalid, and with it every row."""

    def _find_header(self, lines: Sequence[TableLine]) -> tuple[list[Ignored], int]:
        """Return what stands before the header, unless it is known already, and the number of lines up to it."""
        if self._refusal:
            raise DecodeError(self._refusal)
        if self._header is not None:
            return [], 0
        skipped = min(max(self._format.skip_lines - len(self._head), 0), len(lines))
        searched = lines[skipped:]
        try:
            self._header = self._find_in(["" if self._is_comment(line) else line.text for line in searched])
        except DecodeError as error:
            self._refusal = str(error)
            raise
        before = len(searched) if self._header is None else self._header.index
        until = skipped + before + (self._header is not None)
        self._head += [line.raw for line in lines[:until]]
        titles = [
            Ignored(COMMENT if self._is_comment(line) else TITLE, line.text)
            for line in searched[:before]
            if line.raw.strip()
        ]
        return titles, until

    def _find_in(self, texts: Sequence[str]) -> TableHeader | None:
        if self._format.whole:
            return self._search.find(texts)
        for index, text in enumerate(texts):
            found = self._search.find_in_line(text)
            if found is not None:
                return replace(found, index=index)
        return None

    def _rows(self, lines: Sequence[TableLine]) -> Iterator[Message | DecodeFault | Ignored]:
        start = 0
        while self._header is not None and start < len(lines):
            line = lines[start]
            length = 1
            if not line.raw.strip():
                pass
            elif self._is_comment(line):
                yield Ignored(COMMENT, line.text)
            elif self._header.is_repeated_by(line.text):
                yield Ignored(HEADER_AGAIN, line.text)
                self._adopt(line, self._header)
            else:
                length = self._length(lines, start, self._header) if self._format.whole else 1
                yield from self._read(lines[start : start + length], self._header)
            start += length

    def _adopt(self, line: TableLine, header: TableHeader) -> None:
        """Take another header into use, such as that of the next file of a recording with its columns in another
        order."""
        if line.raw == self._head[-1]:
            return
        columns = tuple(split_row(line.text, header.delimiter))
        self._header = TableHeader(0, columns, header.delimiter).checked()
        self._head = [*(b"" for _ in range(self._format.skip_lines)), line.raw]

    def _read(
        self, lines: Sequence[TableLine], header: TableHeader
    ) -> Iterator[Message | DecodeFault | Ignored]:
        """Yield what one row means."""
        fault = next((line.fault for line in lines if line.fault), "")
        text = "\n".join(line.text for line in lines)
        row = fault or self._row(text, header)
        if isinstance(row, str):
            yield DecodeFault(b"\n".join([*self._head, *(line.raw for line in lines)]), row)
            return
        if row.pop("", "") and not self._unnamed_reported:
            self._unnamed_reported = True
            yield Ignored(UNNAMED, text)
        lost = [name for name, value in row.items() if REPLACEMENT in value]
        yield from (Ignored(REPLACED, f"{name}: {row.pop(name)}") for name in lost)
        if any(row.values()):
            yield {name: value for name, value in row.items() if not self._no_data.matches(value)}
        else:
            yield Ignored(EMPTY_ROW, text)

    def _row(self, text: str, header: TableHeader) -> dict[str, str] | str:
        """Return the row's members, with '' for the first value of a column without a name, or why it is invalid."""
        try:
            values = split_row(text, header.delimiter)
        except csv.Error as error:
            return f"the row must have its quotes in pairs around whole values: {error}"
        columns = header.columns
        if len(values) < len(columns) or any(values[len(columns) :]):
            return f"the row must have {len(columns)} values, one for each column, not {len(values)}"
        unnamed = next(
            (value for name, value in zip(columns, values, strict=False) if value and not name), ""
        )
        return {**dict(zip(columns, values, strict=False)), "": unnamed}

    def _length(self, lines: Sequence[TableLine], start: int, header: TableHeader) -> int:
        """Return the number of lines of a row: more than one where a quoted value holds line breaks.

        A line that is a row by itself is never taken as a part of another one, so a quote that is not closed costs its
        own row alone.
        """
        text = lines[start].text
        if _is_closed(text) or not isinstance(self._row(text, header), str):
            return 1
        for length, line in enumerate(lines[start + 1 : start + LONGEST_VALUE], 2):
            if _is_closed(line.text) and not isinstance(self._row(line.text, header), str):
                return 1
            text = f"{text}\n{line.text}"
            if _is_closed(text):
                return 1 if isinstance(self._row(text, header), str) else length
        return 1

    def _is_comment(self, line: TableLine) -> bool:
        return bool(self._format.comment) and line.text.lstrip().startswith(self._format.comment)


def _is_closed(text: str) -> bool:
    """Return whether each quote in a text has its pair."""
    return text.count('"') % 2 == 0
