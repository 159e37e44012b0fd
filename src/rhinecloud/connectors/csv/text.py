"""The lines of a table as text, in the encoding that is set or found.

Found is: a byte order mark, else UTF-8 line by line, else Windows-1252 for a line that is not UTF-8.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass

from rhinecloud.pack.codec import DecodeError
from rhinecloud.pack.text import find_encoding

FALLBACK = "cp1252"
REPLACEMENT = "\ufffd"
"""The character that stands where an earlier program could not read one."""


@dataclass(frozen=True, slots=True)
class TableLine:
    """A line: its bytes (in UTF-8 where the table's encoding does not keep line ends), its text, or why it has none.

    `guessed` says that no setting named the encoding, and that it is not UTF-8.
    """

    raw: bytes
    text: str = ""
    guessed: bool = False
    fault: str = ""


def is_encoding(name: str) -> bool:
    """Return whether a name is that of an encoding of text."""
    try:
        return bool(codecs.lookup(name)._is_text_encoding)
    except (LookupError, ValueError):
        return False


def keeps_line_ends(encoding: str) -> bool:
    """Return whether a line end has the same bytes in an encoding as in ASCII, which is false for UTF-16."""
    return "\n;".encode(encoding).endswith(b"\n;")


def read_lines(body: bytes, encoding: str = "") -> Iterator[TableLine]:
    """Yield the lines of a table; raise DecodeError where all of it is not in its encoding."""
    if not encoding:
        found, mark_bytes = find_encoding(body)
        body, encoding = body[mark_bytes:], found if mark_bytes else ""
    if encoding and not keeps_line_ends(encoding):
        body, encoding = _whole_text(body, encoding).encode(), "utf-8"
    for line in body.splitlines():
        yield read_line(line.removeprefix(codecs.BOM_UTF8), encoding)


def _whole_text(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding)
    except UnicodeError as error:
        raise DecodeError(f"the table must be in {encoding}: {error}") from None


def read_line(line: bytes, encoding: str = "") -> TableLine:
    """Return a line in an encoding, else in UTF-8 or Windows-1252, with its fault where it is in none of them."""
    try:
        return TableLine(line, line.decode(encoding or "utf-8"))
    except UnicodeError as error:
        if encoding:
            return TableLine(line, fault=f"must be in {encoding}: {error}")
    try:
        return TableLine(line, line.decode(FALLBACK), guessed=True)
    except UnicodeError:
        return TableLine(line, fault="must be in UTF-8 or Windows-1252; `encoding` sets another one")


def split_row(text: str, delimiter: str) -> list[str]:
    """Return the values of a row; raise csv.Error where a quote is not closed or stands within a value."""
    return [
        value.strip()
        for value in next(
            csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=delimiter != " "), []
        )
    ]
