"""GTFS timetables to messages: each row of the requested tables is one.

A message is `{"table": "stops", "row": {...}}` with the columns under their own names, values as text, empty ones
left out. `shapes` gives one message a shape, `{"table": "shapes", "row": {"shape_id": …, "points": [[longitude,
latitude], …]}}`. Tables come in the requested order. A DecodeFault has the file and the row.

Source: GTFS Schedule Reference.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson

from rhinecloud.connectors.bounded import ZIP_MAGIC, BoundedArchive
from rhinecloud.connectors.gtfs.tables import REQUIRED_COLUMNS, REQUIRED_TABLES, find_row_fault
from rhinecloud.pack.codec import DecodeError, DecodeFault, Framing, Message, Parcel

Row = dict[str, str]


class GtfsCodec:
    """Decodes the zip of a timetable, which may have `most_bytes` unpacked."""

    framing = Framing.FILE
    time_members: frozenset[str] = frozenset()

    def __init__(self, tables: Sequence[str], most_bytes: int) -> None:
        self._tables = tuple(tables)
        self._most_bytes = most_bytes

    def decode(self, parcel: Parcel) -> Iterator[Message | DecodeFault]:
        """Yield messages table by table; raise DecodeError where it is not a zip, or has no table of GTFS."""
        if not parcel.body.startswith(ZIP_MAGIC):
            raise DecodeError("no GTFS timetable: not a zip")
        archive = BoundedArchive(parcel.body, self._most_bytes)
        paths = _paths(archive)
        if not paths.keys() & REQUIRED_COLUMNS.keys():
            raise DecodeError(
                f"no GTFS timetable: the zip holds {', '.join(archive.names()[:20]) or 'nothing'}"
            )
        for table in sorted(REQUIRED_TABLES - paths.keys()):
            yield _fault(f"{table}.txt: the file is missing, and GTFS requires it")
        for table in self._tables:
            if table in paths:
                yield from self._read_table(archive, paths[table], table)
            elif table not in REQUIRED_TABLES:
                yield _fault(f"{table}.txt: the file is missing, and the feed's `tables` asks for it")

    def recorded_at(self, unit: bytes) -> datetime | None:
        """Return None: a timetable has no time of its own."""
        del unit
        return None

    def _read_table(self, archive: BoundedArchive, path: str, table: str) -> Iterator[Message | DecodeFault]:
        rows = csv.reader(_lines(archive, path))
        try:
            columns = [name.strip() for name in next(rows, [])]
            missing = [name for name in REQUIRED_COLUMNS.get(table, ()) if name not in columns]
            if missing:
                yield _fault(f"{table}.txt: the column {', '.join(missing)} is missing", columns)
                return
            found = _rows(rows, table, columns)
            yield from _shapes(found) if table == "shapes" else found
        except (csv.Error, DecodeError) as error:
            yield _fault(f"{table}.txt, row {rows.line_num}: {error}")


def _paths(archive: BoundedArchive) -> dict[str, str]:
    """Return the paths of the tables; some publishers have them in a folder within the zip."""
    found: dict[str, str] = {}
    for path in archive.names():
        name = path.rpartition("/")[2]
        if name.endswith(".txt"):
            found.setdefault(name.removesuffix(".txt"), path)
    return found


def _lines(archive: BoundedArchive, path: str) -> Iterator[str]:
    """Yield the lines of a file; invalid UTF-8 becomes U+FFFD, so that one wrong character does not lose a row."""
    left = b""
    encoding = "utf-8-sig"
    for chunk in archive.chunks(path):
        *lines, left = (left + chunk).split(b"\n")
        for line in lines:
            yield line.decode(encoding, "replace") + "\n"
            encoding = "utf-8"
        if len(left) > csv.field_size_limit():
            raise DecodeError(f"a line is longer than {csv.field_size_limit()} bytes")
    if left:
        yield left.decode(encoding, "replace")


def _rows(rows: Iterator[list[str]], table: str, columns: list[str]) -> Iterator[Message | DecodeFault]:
    for number, values in enumerate(rows, start=2):
        if not any(values):
            continue
        if len(values) > len(columns):
            yield _fault(
                f"{table}.txt, row {number}: {len(values)} values for {len(columns)} columns", values
            )
            continue
        row = {name: text for name, value in zip(columns, values, strict=False) if (text := value.strip())}
        wrong = find_row_fault(table, row)
        if wrong:
            yield _fault(f"{table}.txt, row {number}: {wrong}", values)
        else:
            yield {"table": table, "row": row}


def _shapes(rows: Iterator[Message | DecodeFault]) -> Iterator[Message | DecodeFault]:
    """Yield each shape with its points, in the order of their sequence numbers."""
    shapes: dict[str, list[tuple[float, float, float]]] = {}
    for item in rows:
        if isinstance(item, DecodeFault):
            yield item
            continue
        row = item["row"]
        sequence = float(row["shape_pt_sequence"])
        point = (sequence, float(row["shape_pt_lon"]), float(row["shape_pt_lat"]))
        shapes.setdefault(row["shape_id"], []).append(point)
    for shape_id, points in shapes.items():
        line = [[x, y] for _, x, y in sorted(points) if math.isfinite(x) and math.isfinite(y)]
        yield {"table": "shapes", "row": {"shape_id": shape_id, "points": line}}


def _fault(reason: str, values: Any = None) -> DecodeFault:
    text = io.StringIO()
    if values:
        csv.writer(text).writerow(values)
    return DecodeFault(text.getvalue().encode("utf-8", "replace") or orjson.dumps(reason), reason)
