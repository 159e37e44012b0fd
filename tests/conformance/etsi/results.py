"""What passed: read from the suite's report, told by group, kept on a page of the documentation."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
ENGINES = ("SQLite", "PostgreSQL")
ALL = "**all**"
CELL = re.compile(r"(\d+) / (\d+)")
RUN = re.compile(r"(SQLite|PostgreSQL) (\d{4}-\d\d-\d\d(?: at [0-9a-f]+)?)")
FOLDED = re.compile(r"\s*\n\.\.\.\s*")


@dataclass(slots=True)
class Tally:
    """How many tests of a group passed; the official ones are ETSI's, the rest extends them clause by clause."""

    official: int = 0
    official_passed: int = 0
    extension: int = 0
    extension_passed: int = 0

    @property
    def passed(self) -> int:
        """Count what passed."""
        return self.official_passed + self.extension_passed

    @property
    def total(self) -> int:
        """Count all."""
        return self.official + self.extension


def read_results(output: Path, suite: Path, failures: Path) -> dict[str, Tally]:
    """Count the report's tests by folder and append to `failures` a line for each that failed."""
    tallies: dict[str, Tally] = {}
    with failures.open("a", encoding="utf-8") as log:
        for source, test in _tests(ElementTree.parse(output).getroot(), ""):
            path = Path(source).relative_to(suite / "TP" / "NGSI-LD")
            tally = tallies.setdefault(_group(path), Tally())
            status = test.find("status")
            passed = status is not None and status.get("status") == "PASS"
            if _is_extension(Path(source)):
                tally.extension += 1
                tally.extension_passed += passed
            else:
                tally.official += 1
                tally.official_passed += passed
            if not passed:
                reason = " ".join((status.text or "").split())[:160] if status is not None else ""
                log.write(f"{path.parent}\t{test.get('name')}\t{reason}\n")
    return tallies


def write_page(page: Path, engine: str, tallies: Mapping[str, Tally], commit: str) -> None:
    """Put what an engine passed at a commit into the table between the marks; what was not run stays as it was."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    found, runs = _read_table(table)
    runs[engine] = f"{datetime.now(UTC).date().isoformat()} at {commit}"
    for name, tally in tallies.items():
        found.setdefault(name, {})[engine] = tally
    for each in ENGINES:
        ran = [row[each] for row in found.values() if each in row]
        sums = [sum(getattr(tally, name) for tally in ran) for name in Tally.__slots__]
        found.setdefault(ALL, {})[each] = Tally(*sums)
    rows = [_row(name, found[name]) for name in sorted(found, key=lambda name: (name == ALL, name))]
    said = ", ".join(f"{each} {runs.get(each, 'never')}" for each in ENGINES)
    head = [
        "| group |" + "".join(f" {each}: official | extension |" for each in ENGINES),
        "|---|---|---|---|---|",
    ]
    table = "\n".join([f"Passed of all, run last on {said}:", "", *head, *rows])
    page.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", encoding="utf-8")


def _read_table(text: str) -> tuple[dict[str, dict[str, Tally]], dict[str, str]]:
    """Read what `write_page` wrote: each group's tallies by engine without their sums, and each engine's last run."""
    found: dict[str, dict[str, Tally]] = {}
    for line in text.splitlines():
        name, *cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if name == ALL or len(cells) != 2 * len(ENGINES) or not any(map(CELL.fullmatch, cells)):
            continue
        counts = [(int(cell[1]), int(cell[2])) if cell else (0, 0) for cell in map(CELL.fullmatch, cells)]
        for at, engine in enumerate(ENGINES):
            official, extension = counts[2 * at : 2 * at + 2]
            if official[1] or extension[1]:
                found.setdefault(name, {})[engine] = Tally(
                    official[1], official[0], extension[1], extension[0]
                )
    return found, dict(RUN.findall(text))


def commit_of(folder: Path) -> str:
    """Return the commit of the checkout, by which the run can be repeated."""
    command = ["git", "-C", str(folder), "rev-parse", "--short=8", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _group(path: Path) -> str:
    """Name the group of a test by its first folder, entities' by the first three."""
    return "/".join(path.parts[:-1][: 3 if path.parts[0] == "ContextInformation" else 1])


def _row(name: str, tallies: Mapping[str, Tally]) -> str:
    def cell(passed: int, total: int) -> str:
        return f"{passed} / {total}" if total else ""

    cells = [name]
    for tally in (tallies.get(engine, Tally()) for engine in ENGINES):
        cells += [
            cell(tally.official_passed, tally.official),
            cell(tally.extension_passed, tally.extension),
        ]
    return f"| {' | '.join(cells)} |"


def _tests(element: ElementTree.Element, source: str) -> list[tuple[str, ElementTree.Element]]:
    found = []
    for child in element:
        if child.tag == "test":
            found.append((source, child))
        elif child.tag in ("suite", "robot"):
            found += _tests(child, child.get("source", source))
    return found


def _is_extension(source: Path) -> bool:
    """Tell by a file's documentation whether its tests extend ETSI's."""
    return "extension TP" in FOLDED.sub(" ", source.read_text(encoding="utf-8"))
