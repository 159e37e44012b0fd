"""`rhinecloud pack`: the commands."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from rhinecloud.cli.exits import Exit
from rhinecloud.cli.options import HERE, City, Json
from rhinecloud.cli.screen import console, counted, print_json, table

if TYPE_CHECKING:
    from rhinecloud.cli.packs.ladder import PackReport
    from rhinecloud.cli.packs.trial import TrialResult

Folder = Annotated[Path, typer.Argument(help="Folder of the pack: with its `pack.toml`, or one above it.")]


def build() -> typer.Typer:
    """Build `rhinecloud pack`."""
    packs = typer.Typer(no_args_is_help=True, help="Packs: domains of the city.", rich_markup_mode="markdown")
    for command, name in (
        (new, "new"),
        (check, "check"),
        (test, "test"),
        (list_packs, "list"),
        (remove, "remove"),
    ):
        packs.command(name)(command)
    return packs


def new(
    name: Annotated[str, typer.Argument(help="The pack's name: small letters, digits and hyphens.")],
    folder: Annotated[Path, typer.Option("--in", help="Where its folder is made.")] = HERE,
) -> None:
    """Make a pack that works, to be changed: a mapping, a type, a rule, a layer, texts, a recording, a test.

    Example: `rhinecloud pack new lamps`
    """
    from rhinecloud.cli.packs.scaffold import write_pack

    made = write_pack(name, folder)
    print(
        f"{made} is made. Next: rhinecloud pack check {made}; rhinecloud pack test {made}; pip install -e {made}"
    )


def check(folder: Folder = HERE, as_json: Json = False) -> None:
    """Check a pack: every file, and its quality rule by rule, compared with what a machine can verify.

    Exit code 3 when something is wrong.

    Example: `rhinecloud pack check lamps`
    """
    from rhinecloud.cli.packs.ladder import grade
    from rhinecloud.cli.packs.source import load_from

    pack = load_from(folder)
    report = grade(pack)
    if as_json:
        print_json(_report_json(pack.name, report))
    else:
        _show_report(pack.name, report)
    raise typer.Exit(Exit.INVALID if report.problems else Exit.DONE)


def test(folder: Folder = HERE, as_json: Json = False) -> None:
    """Play the recordings of a pack through its codecs, mappings and rules, and compare with what is expected.

    What the mappings make must fit the JSON Schemas of its types. Exit code 3 when something differs.

    Example: `rhinecloud pack test lamps`
    """
    from rhinecloud.cli.packs.source import load_from
    from rhinecloud.cli.packs.trial import run_trials

    results = run_trials(load_from(folder))
    failed = [each for each in results if each.faults]
    if as_json:
        print_json([asdict(each) for each in results])
    else:
        for each in results:
            _show_trial(each)
        if failed:
            console().print(f"{counted(len(failed), 'recording')} of {len(results)} with faults")
        elif results:
            console().print(f"{counted(len(results), 'recording')}: all as expected")
        else:
            console().print("no recordings: write fixtures/*.toml, see `rhinecloud schema fixtures`")
    raise typer.Exit(Exit.INVALID if failed or not results else Exit.DONE)


def list_packs(city: City = HERE, as_json: Json = False) -> None:
    """List the packs that are installed, whether the city uses them, and what is wrong with those that do not load.

    Example: `rhinecloud pack list`
    """
    from rhinecloud.app.parts import find_parts, read_packs
    from rhinecloud.app.sections import read_city
    from rhinecloud.app.settings import FILE

    settings = read_city(city) if (city / FILE).exists() else None
    parts = settings.parts.loaded if settings else find_parts().loaded
    found, used = read_packs(parts), read_packs(parts, settings.city.packs if settings else ("*",))
    names = {each.name for each in used.loaded}
    rows: list[dict[str, Any]] = [
        {
            "name": each.name,
            "version": each.manifest.pack.version,
            "title": each.manifest.pack.title,
            "used": each.name in names,
            "problem": "",
        }
        for each in found.loaded
    ]
    rows += [
        {"name": each.name, "version": "", "title": "", "used": False, "problem": each.reason}
        for each in {*found.failed, *used.failed}
    ]
    rows.sort(key=lambda row: row["name"])
    if as_json:
        print_json(rows)
        return
    columns = ["", "pack", "version", "title"]
    console().print(
        table(
            "",
            columns,
            [(_sign(row), row["name"], row["version"], row["problem"] or row["title"]) for row in rows],
        )
    )


def remove(
    name: Annotated[str, typer.Argument(help="The pack's name.")],
    city: City = HERE,
    keep: Annotated[bool, typer.Option("--keep", help="Keep its entities.")] = False,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write its entities to this file (NDJSON), then delete them."),
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete its entities.")] = False,
    as_json: Json = False,
) -> None:
    """Remove a pack from the city: say how many entities of which types it wrote, and what becomes of them.

    Without an option it only counts. Entities of types that another pack writes, too, stay. The history of what is
    deleted stays as long as the history is kept. The city no longer loads the pack from its next start on. Stop it
    before `--export` and `--delete`: the pack's workers would write again.

    Example: `rhinecloud pack remove port --export port.ndjson`
    """
    from rhinecloud.cli.packs.removal import Removal

    if sum((keep, delete, export is not None)) > 1:
        raise typer.BadParameter("choose one of --keep, --export and --delete")
    removal = Removal(city, name)
    if delete or export is not None:
        removal.require_stopped()
    found = removal.count()
    done: dict[str, Any] = {"pack": name, **found, "exported": 0, "deleted": 0, "removed": False}
    if export is not None:
        done["exported"] = removal.export(export)
    if delete or export is not None:
        done["deleted"] = removal.delete()
    if keep or delete or export is not None:
        removal.leave_out()
        done["removed"] = True
    if as_json:
        print_json(done)
        return
    rows = [(each["name"], f"{each['entities']:,}") for each in found["own"]]
    console().print(table("", ["type", "entities"], rows))
    for shared in found["shared"]:
        print(f"{shared}: stays, another pack writes it, too")
    if not done["removed"]:
        print("nothing is changed; choose --keep, --export FILE or --delete")
        return
    if export is not None:
        print(f"{done['exported']:,} entities written to {export}")
    kept = "its entities are kept" if keep else f"{done['deleted']:,} entities deleted"
    print(f"{kept}; {name} is left out of `[city] packs` from the next start on")
    if removal.has_settings:
        print(f"nothing reads [packs.{name}] any more; take it out of city.toml")


def _sign(row: dict[str, Any]) -> Text:
    if row["problem"]:
        return Text("✗", "red")
    return Text("✓", "green") if row["used"] else Text("–", "dim")


def _report_json(name: str, report: PackReport) -> dict[str, Any]:
    rules = [
        {
            "name": each.rule.name,
            "tier": each.rule.tier.value,
            "summary": each.rule.summary,
            "mark": each.mark,
            "reason": each.reason,
            "verified": each.rule.verify is not None,
            "missing": list(each.missing),
        }
        for each in report.verdicts
    ]
    return {"pack": name, "tier": report.tier, "problems": report.problems, "rules": rules}


def _show_report(name: str, report: PackReport) -> None:
    rows = []
    for each in report.verdicts:
        sign = (
            Text("✗", "red")
            if each.problem
            else Text("✓" if each.mark in ("done", "exempt") else "·", "green")
        )
        said = each.problem or each.reason or ("; ".join(each.missing) if each.mark == "todo" else "")
        rows.append((sign, each.rule.tier.value, each.rule.name, each.mark or "?", said or each.rule.summary))
    console().print(table("", ["", "tier", "rule", "mark", ""], rows))
    for problem in report.unknown:
        console().print(f"✗ {problem}: there is no such rule of quality")
    wrong = f"{counted(len(report.problems), 'mark')} wrong, " if report.problems else ""
    console().print(f"{name}: {wrong}{report.tier or 'no tier'} reached")


def _show_trial(trial: TrialResult) -> None:
    counts = ", ".join(f"{count} {name}" for name, count in sorted(trial.entities.items()))
    alerts = f"; alerts of {', '.join(sorted(trial.alerts))}" if trial.alerts else ""
    sign = Text("✗ ", "red") if trial.faults else Text("✓ ", "green")
    said = f"{trial.name}: {counted(trial.messages, 'message')} → {counts or 'nothing'}{alerts}"
    console().print(sign.append(said, "default"))
    for fault in trial.faults:
        console().print(Text(f"    {fault}"))
