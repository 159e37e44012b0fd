"""CSV to messages: each row is a message, its columns the members, all values as text.

The first row has the names of the columns. The delimiter is that of the settings, else the most frequent one of `,`
`;` tab `|` in the header.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime

from rhinecloud.connectors.times import USUAL_TIME_MEMBERS, read_moment
from rhinecloud.pack.codec import DecodeFault, Framing, Message, Parcel

BOM = b"\xef\xbb\xbf"


class CsvCodec:
    """Decodes rows; keeps the header from one parcel to the next. A value must not contain a line break."""

    framing = Framing.LINE

    def __init__(self, delimiter: str = "", time_field: str = "", *, whole: bool = False) -> None:
        """With `whole` every parcel is a table with its own header."""
        self._whole = whole
        self._set_delimiter = delimiter
        self._delimiter = delimiter or ","
        self._header_line = b""
        self._columns: list[str] = []
        self.time_members = frozenset({time_field}) if time_field else USUAL_TIME_MEMBERS

    def decode(self, parcel: Parcel) -> Iterator[Message | DecodeFault]:
        """Yield a message for each row, and a DecodeFault, with the header before it, for each invalid one."""
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
        """Return the row's members, or the reason why it is invalid."""
        try:
            values = next(csv.reader([row.decode("utf-8")], delimiter=self._delimiter))
        except (UnicodeDecodeError, csv.Error, StopIteration) as error:
            return f"not to be read: {error}"
        if len(values) != len(self._columns):
            return f"{len(values)} values for {len(self._columns)} columns"
        return dict(zip(self._columns, (value.strip() for value in values), strict=True))


def _row_of(line: bytes) -> bytes:
    """Return a line without byte order mark and line end; tabs are kept, because they may be empty values."""
    return line.removeprefix(BOM).strip(b" \r\n")
