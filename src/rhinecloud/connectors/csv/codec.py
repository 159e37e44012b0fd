"""CSV to messages: each row is one, its columns the members, all values as text.

The first row names the columns. The delimiter is the setting's, else whichever of `,` `;` tab `|` the header has most
of.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime

from rhinecloud.connectors.times import USUAL_TIME_MEMBERS, read_moment
from rhinecloud.pack.codec import DecodeFault, Framing, Message, Parcel

BOM = b"\xef\xbb\xbf"


class CsvCodec:
    """Reads rows; remembers the header from one parcel to the next. A value may hold no line break."""

    framing = Framing.LINE

    def __init__(self, delimiter: str = "", time_field: str = "", *, whole: bool = False) -> None:
        """`whole` says that every parcel is a table with a header of its own."""
        self._whole = whole
        self._set_delimiter = delimiter
        self._delimiter = delimiter or ","
        self._header_line = b""
        self._columns: list[str] = []
        self.time_members = frozenset({time_field}) if time_field else USUAL_TIME_MEMBERS

    def decode(self, parcel: Parcel) -> Iterator[Message | DecodeFault]:
        """Return a message for each row and a Fault, with the header before it, for each that does not fit."""
        if self._whole:
            self._columns, self._header_line = [], b""
        for line in parcel.body.splitlines():
            row = _row_of(line)
            if not row.strip() or row.startswith(b"#") or row == self._header_line:
                continue
            if not self._columns:
                yield from self._read_header(row)
                continue
            item = self._row(row)
            yield item if isinstance(item, dict) else DecodeFault(self._header_line + b"\n" + row, item)

    def recorded_at(self, unit: bytes) -> datetime | None:
        """Return the time of a row; the header must have been read with the first unit."""
        row = _row_of(unit)
        if not self._columns:
            list(self._read_header(row))
            return None
        item = self._row(row)
        if not isinstance(item, dict):
            return None
        return next((moment for name in self.time_members if (moment := read_moment(item.get(name)))), None)

    def _read_header(self, row: bytes) -> Iterator[DecodeFault]:
        try:
            text = row.decode("utf-8")
            self._delimiter = self._set_delimiter or max(",;\t|", key=text.count)
            columns = [name.strip() for name in next(csv.reader([text], delimiter=self._delimiter))]
        except (UnicodeDecodeError, csv.Error, StopIteration) as error:
            yield DecodeFault(row, f"no header: {error}")
            return
        if not all(columns) or len(set(columns)) != len(columns):
            yield DecodeFault(row, "no header: a column has no name, or the name of another")
            return
        self._columns, self._header_line = columns, row

    def _row(self, row: bytes) -> dict[str, str] | str:
        """Return the row's members, or what is wrong with it."""
        try:
            values = next(csv.reader([row.decode("utf-8")], delimiter=self._delimiter))
        except (UnicodeDecodeError, csv.Error, StopIteration) as error:
            return f"not to be read: {error}"
        if len(values) != len(self._columns):
            return f"{len(values)} values for {len(self._columns)} columns"
        return dict(zip(self._columns, (value.strip() for value in values), strict=True))


def _row_of(line: bytes) -> bytes:
    """Take off what is no part of a row; tabs stay, which may stand for empty values."""
    return line.removeprefix(BOM).strip(b" \r\n")
