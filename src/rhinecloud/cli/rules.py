"""`rhinecloud rules`: the rules that raise alerts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rhinecloud.app.settings import FILE
from rhinecloud.cli.city_client import open_running
from rhinecloud.cli.exits import Exit
from rhinecloud.cli.options import HERE, City, Json
from rhinecloud.cli.screen import console, counted, print_json, table
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.language import choose
from rhinecloud.kernel.severity import Severity

if TYPE_CHECKING:
    from rhinecloud.ngsild.context import Context
    from rhinecloud.risk.rulebook import Rulebook

Files = Annotated[
    list[Path] | None, typer.Argument(help="Rule files or folders; none: the city's and its packs'.")
]


def build() -> typer.Typer:
    """Return `rhinecloud rules`."""
    rules = typer.Typer(
        no_args_is_help=True, help="The rules that raise alerts.", rich_markup_mode="markdown"
    )

    @rules.command("check")
    def check(files: Files = None, city: City = HERE, as_json: Json = False) -> None:
        """Check rule files: syntax, expressions, units, names; list each fault with its line and reason.

        Exit code 3 when there is a fault.

        Example: `rhinecloud rules check rules/low-water.yaml`
        """
        rulebook = _read(files, city)
        if as_json:
            print_json(
                {
                    "rules": [rule.id for rule in rulebook.rules],
                    "problems": [
                        {
                            "file": each.file,
                            "line": each.line,
                            "column": each.column,
                            "field": each.field,
                            "reason": each.reason,
                        }
                        for each in rulebook.problems
                    ],
                }
            )
        else:
            for problem in rulebook.problems:
                print(problem)
            print(f"{counted(len(rulebook.rules), 'valid rule')}, {counted(len(rulebook.problems), 'fault')}")
        raise typer.Exit(Exit.INVALID if rulebook.problems else Exit.DONE)

    @rules.command("list")
    def list_rules(city: City = HERE, as_json: Json = False) -> None:
        """List the rules of the running city with their counts since its start.

        Example: `rhinecloud rules list`
        """
        with open_running(city) as client:
            found = client.request("GET", "/api/v1/rules")
        if as_json:
            print_json(found)
            return
        columns = ["rule", "version", "severity", "active", "evaluated", "fired", "errors"]
        rows = [
            (
                rule["id"],
                rule["version"],
                rule["severity"] if rule["severity"] in list(Severity) else "varies",
                rule["active_alerts"],
                f"{rule['evaluated']:,}",
                rule["fired"],
                rule["errors"],
            )
            for rule in found["items"]
        ]
        console().print(table("", columns, rows))
        for rule in found["items"]:
            if rule["last_error"]:
                print(f"! {rule['id']}: {rule['last_error']}")
        for problem in found["problems"]:
            print(f"! {problem['file']}, line {problem['line']}: {problem['reason']}")

    @rules.command("test")
    def test(
        recording: Annotated[
            Path, typer.Argument(help="NDJSON: changes, or concise NGSI-LD entities, one a line.")
        ],
        files: Annotated[
            list[Path] | None,
            typer.Option("--rule", "-r", help="A rule file or folder; may be given several times."),
        ] = None,
        city: City = HERE,
        as_json: Json = False,
    ) -> None:
        """Evaluate rules over a recording, as they would have been evaluated live, and list the alerts.

        Example: `rhinecloud rules test gauges-2022.ndjson --rule rules/low-water.yaml`
        """
        from rhinecloud.risk.backtest import backtest, read_recording

        rulebook = _read(files, city)
        if rulebook.problems:
            raise Invalid("; ".join(str(problem) for problem in rulebook.problems))
        try:
            with recording.open("rb") as lines:
                found = backtest(
                    rulebook.rules, read_recording(lines, rulebook.context), rulebook.context, rulebook.area
                )
        except OSError as error:
            raise Invalid(f"cannot read the file: {error.strerror}", field=str(recording)) from None
        outcomes = [
            {
                "at": each.at,
                "kind": each.kind.value,
                "rule": each.rule,
                "severity": each.severity.value,
                "entity": each.entity_id,
                "message": each.message,
                "reason": each.reason,
            }
            for each in found.outcomes
        ]
        if as_json:
            print_json({"changes": found.changes, "outcomes": outcomes})
            return
        for each in outcomes:
            print("\n".join(_lines(each)))
        print(f"{counted(found.changes, 'change')}, {counted(len(outcomes), 'outcome')}")

    return rules


def _lines(outcome: dict[str, Any]) -> Iterator[str]:
    """Yield a line about an outcome, and one with the message of the alert."""
    moment = outcome["at"][:19].replace("T", " ")
    entity = outcome["entity"].removeprefix("urn:ngsi-ld:")
    yield f"{moment}  {outcome['kind']:<8}  {outcome['rule']} ({outcome['severity']})  {entity}"
    words = outcome["message"] if isinstance(outcome["message"], dict) else {}
    text = choose(words, ("en", *words)) or outcome["reason"]
    if text:
        yield f"{'':21}{text}"


def _read(files: list[Path] | None, city: Path) -> Rulebook:
    from rhinecloud.app.foundation import Foundation
    from rhinecloud.app.sections import read_city
    from rhinecloud.kernel.time import utc_now
    from rhinecloud.risk.part import read_city_rules
    from rhinecloud.risk.rulebook import read_rulebook

    if files and city == HERE and not (city / FILE).exists():
        return read_rulebook(files, _context_of_packs())
    foundation = Foundation(read_city(city), utc_now)
    settings, area = foundation.settings, foundation.settings.city.area()
    if not files:
        return read_city_rules(settings.folder, settings, foundation.content, foundation.context, area)
    rulebook = read_rulebook(files, foundation.context)
    rulebook.area = area
    return rulebook


def _context_of_packs() -> Context:
    """Return the vocabulary of the installed packs, for files that are checked outside of a city."""
    from rhinecloud.app.foundation import city_terms
    from rhinecloud.app.parts import find_parts, read_packs
    from rhinecloud.ngsild.context import compile_context

    print("no city.toml here: checked with the vocabulary of the installed packs", file=sys.stderr)
    parts = find_parts().loaded
    return compile_context(city_terms(HERE, parts, read_packs(parts))[0], {})
