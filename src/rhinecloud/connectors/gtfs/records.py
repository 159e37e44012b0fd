"""The rows of a table of GTFS: lines of bytes to values, so that what is broken costs its own row and no other.

A value in quotes may hold line ends. A quote that is never closed would swallow all rows that follow, so a value goes
on in the next line only where that line is no row by itself, and for at most `MOST_LINES`. Quotes within a value are
read as they are, as many publishers write them.
"""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rhinecloud.connectors.csv.text import TableLine, read_line
from rhinecloud.pack.codec import DecodeError

MOST_LINES = 20
"""Lines of one row."""
LONGEST_LINE = 131_072


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row, the number of its first line, and why it cannot be used, or ''. `guessed`: it is not in UTF-8."""

    number: int
    raw: bytes
    values: list[str]
    fault: str = ""
    guessed: bool = False


def split_lines(chunks: Iterable[bytes], encoding: str = "") -> Iterator[TableLine]:
    """Yield the lines of a file with their text; raise DecodeError for UTF-16 and for a line that is too long."""
    left, first = b"", True
    for chunk in chunks:
        *lines, left = (left + chunk).split(b"\n")
        for line in lines:
            yield read_line(_without_mark(line) if first else line.removesuffix(b"\r"), encoding)
            first = False
        if len(left) > LONGEST_LINE:
            raise DecodeError(f"a line is longer than {LONGEST_LINE} bytes")
    if left:
        yield read_line(_without_mark(left) if first else left.removesuffix(b"\r"), encoding)


def read_rows(lines: Iterator[TableLine]) -> Iterator[TableRow]:
    """Yield the rows; the first one, the header, says how many values each of the others must have."""
    waiting: deque[TableLine] = deque()
    number, width = 1, 0
    while waiting or _fill(waiting, lines, 1):
        row, used = _read_row(waiting, lines, number, width)
        for _ in range(used):
            waiting.popleft()
        number += used
        if row is not None:
            width = width or len(row.values)
            yield row


def _read_row(
    waiting: deque[TableLine], lines: Iterator[TableLine], number: int, width: int
) -> tuple[TableRow | None, int]:
    """Return the row that begins with the first line, None for an empty one, and how many lines it takes."""
    line = waiting[0]
    if line.fault:
        return TableRow(number, line.raw, [], line.fault), 1
    if not line.text.strip():
        return None, 1
    values = _split([line.text])
    if values is not None:
        return _checked_row(number, line, values, width), 1
    for count in range(2, MOST_LINES + 1):
        if not _fill(waiting, lines, count):
            break
        following = waiting[count - 1]
        if following.fault or ('"' not in following.text and len(following.text.split(",")) == width):
            break
        values = _join([waiting[each].text + "\n" for each in range(count - 1)] + [following.text])
        if values is not None and len(values) == width:
            raw = b"\n".join(waiting[each].raw for each in range(count))
            return TableRow(number, raw, values, guessed=line.guessed), count
    return TableRow(number, line.raw, [], "a quote is not closed"), 1


def _checked_row(number: int, line: TableLine, values: list[str], width: int) -> TableRow | None:
    if not any(values):
        return None
    while width and len(values) > width and not values[-1]:  # a comma at the end of the row
        values.pop()
    wrong = f"{len(values)} values for {width} columns" if width and len(values) != width else ""
    return TableRow(number, line.raw, values, wrong, line.guessed)


def _split(lines: list[str]) -> list[str] | None:
    """Return the values of a row of these lines; None where a quote is open at their end."""
    if len(lines) == 1 and '"' not in lines[0]:
        return lines[0].split(",")
    reader = csv.reader([*lines, ""])
    try:
        values = next(reader)
    except csv.Error:
        return None
    return values if reader.line_num == len(lines) else None


def _join(lines: list[str]) -> list[str] | None:
    """Return the values of a row over several lines; None where a quote is not closed right at the end of a value."""
    try:
        return next(csv.reader(lines, strict=True))
    except (csv.Error, StopIteration):
        return None


def _fill(waiting: deque[TableLine], lines: Iterator[TableLine], count: int) -> bool:
    """Read lines until `count` are waiting; return whether there are so many."""
    while len(waiting) < count:
        line = next(lines, None)
        if line is None:
            return False
        waiting.append(line)
    return True


def _without_mark(line: bytes) -> bytes:
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DecodeError("must be in UTF-8, not in UTF-16")
    return line.removeprefix(codecs.BOM_UTF8).removesuffix(b"\r")
