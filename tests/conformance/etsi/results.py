"""What passed: read from the suite's report, told by group, kept on a page of the documentation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
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


def write_page(page: Path, tallies: Mapping[str, Tally]) -> None:
    """Put the table of results between the marks of the page."""
    rows = ["| group | official | extension |", "|---|---|---|"]
    rows += [_row(name, tallies[name]) for name in sorted(tallies)]
    total = Tally(*(sum(getattr(tally, name) for tally in tallies.values()) for name in Tally.__slots__))
    rows.append(_row("**all**", total))
    day = datetime.now(UTC).date().isoformat()
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    table = "\n".join([f"Passed of all, on {day}:", "", *rows])
    page.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", encoding="utf-8")


def _group(path: Path) -> str:
    """Name the group of a test by its first folder, entities' by the first three."""
    return "/".join(path.parts[:-1][: 3 if path.parts[0] == "ContextInformation" else 1])


def _row(name: str, tally: Tally) -> str:
    def cell(passed: int, total: int) -> str:
        return f"{passed} / {total}" if total else ""

    official = cell(tally.official_passed, tally.official)
    return f"| {name} | {official} | {cell(tally.extension_passed, tally.extension)} |"


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
