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
from rhinecloud.connectors.gtfs.records import TableRow, read_rows, split_lines
from rhinecloud.connectors.gtfs.tables import KEYS, REQUIRED_COLUMNS, REQUIRED_TABLES, find_row_fault
from rhinecloud.pack.codec import DecodeError, DecodeFault, Framing, Ignored, Message, Parcel

NOT_UTF8 = "a line that is not in UTF-8 was read as Windows-1252"


class GtfsCodec:
    """Decodes the zip of a timetable, which may have `most_bytes` unpacked.

    GTFS requires UTF-8. Without an `encoding` a line that is not UTF-8 is read as Windows-1252, and that is counted.
    """

    framing = Framing.FILE
    time_members: frozenset[str] = frozenset()

    def __init__(self, tables: Sequence[str], most_bytes: int, encoding: str = "") -> None:
        self._tables = tuple(tables)
        self._encoding = encoding
        self._most_bytes = most_bytes

    def decode(self, parcel: Parcel) -> Iterator[Message | DecodeFault | Ignored]:
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

    def _read_table(
        self, archive: BoundedArchive, path: str, table: str
    ) -> Iterator[Message | DecodeFault | Ignored]:
        try:
            rows = read_rows(split_lines(archive.chunks(path), self._encoding))
            header = next(rows, None)
            columns = [name.strip() for name in header.values] if header else []
            missing = [name for name in REQUIRED_COLUMNS.get(table, ()) if name not in columns]
            if missing:
                yield _fault(f"{table}.txt: the column {', '.join(missing)} is missing", columns)
                return
            found = _rows(rows, table, columns)
            yield from _shapes(found) if table == "shapes" else found
        except DecodeError as error:
            yield _fault(f"{table}.txt: {error}")


def _paths(archive: BoundedArchive) -> dict[str, str]:
    """Return the paths of the tables; some publishers have them in a folder within the zip."""
    found: dict[str, str] = {}
    for path in archive.names():
        name = path.rpartition("/")[2]
        if name.endswith(".txt"):
            found.setdefault(name.removesuffix(".txt"), path)
    return found


def _rows(
    rows: Iterator[TableRow], table: str, columns: list[str]
) -> Iterator[Message | DecodeFault | Ignored]:
    key, known = KEYS.get(table, ""), set[str]()
    for each in rows:
        if each.guessed:
            shown = each.raw.decode("cp1252", "replace")
            yield Ignored(NOT_UTF8, f"{table}.txt, row {each.number}: {shown}")
        row = {
            name: text for name, value in zip(columns, each.values, strict=False) if (text := value.strip())
        }
        wrong = each.fault or find_row_fault(table, row)
        if key and not wrong and row[key] in known:
            wrong = f"{key} {row[key][:40]!r} is there already, and the first row with it counts"
        if wrong:
            yield DecodeFault(each.raw, f"{table}.txt, row {each.number}: {wrong}")
        else:
            if key:
                known.add(row[key])
            yield {"table": table, "row": row}


def _shapes(rows: Iterator[Message | DecodeFault | Ignored]) -> Iterator[Message | DecodeFault | Ignored]:
    """Yield each shape with its points, in the order of their sequence numbers."""
    shapes: dict[str, list[tuple[float, float, float]]] = {}
    for item in rows:
        if isinstance(item, DecodeFault | Ignored):
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
