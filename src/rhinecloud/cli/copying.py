"""`rhinecloud copy`: copies a city's data from one engine of the store to another."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import MofNCompleteColumn, TimeRemainingColumn

from rhinecloud.cli.options import HERE, City, Json
from rhinecloud.cli.screen import console, print_json, progress_bar

PASSES = 3
"""Everything is read once to copy it, and once on either side to verify the copy."""


def add_to(program: typer.Typer) -> None:
    """Add the command."""

    @program.command("copy", rich_help_panel="Data")
    def copy(
        source: Annotated[
            str, typer.Argument(metavar="FROM", help="URL of the source, written as in `store.url`.")
        ],
        target: Annotated[
            str, typer.Argument(metavar="TO", help="URL of the target: empty, or an unfinished copy.")
        ],
        city: City = HERE,
        as_json: Json = False,
    ) -> None:
        """Copy the city's state, log of changes and records from one engine to another, and verify the copy.

        The city must not be running, and the target must be empty. The same command continues a copy that was
        interrupted. At the end both sides are read and compared by their counts and by the digest over every entity,
        change and record. Then set `store.url` to the target. The history (`history.db`) is not copied.

        Exit code 1 when the two differ, 4 when an engine does not answer or a city runs on it, 6 when the target is
        not empty.

        Example: `rhinecloud copy sqlite:city.db postgresql://rhinecloud@localhost/duisburg`
        """
        began = time.monotonic()
        proof = asyncio.run(_copy(city, source, target))
        seconds = time.monotonic() - began
        if as_json:
            print_json({**proof, "from": hidden(source), "to": hidden(target), "seconds": round(seconds, 3)})
            return
        console().print(
            f"{proof['entities']:,} entities, {proof['changes']:,} changes and {proof['records']:,} records copied"
            f" and verified in {seconds:.1f} s; the next change is number {proof['last_change'] + 1:,}"
        )
        console().print(f"SHA-256 {proof['sha256']}")
        console().print(f'now set in city.toml: \\[store] url = "{hidden(target)}"')


async def _copy(city: Path, source_url: str, target_url: str) -> dict[str, Any]:
    from rhinecloud.app.sections import read_city
    from rhinecloud.kernel.errors import Invalid
    from rhinecloud.store.engine import StoreSettings, make_transferable_store
    from rhinecloud.store.transfer import move, prove

    if source_url == target_url:
        raise Invalid("must not be the source", field="TO")
    settings = read_city(city)
    mine = settings.section("store", StoreSettings)
    source, target = (
        make_transferable_store(replace(mine, url=url), settings.data) for url in (source_url, target_url)
    )
    await source.open()
    try:
        await target.open()
        try:
            contents = await source.contents()
            total = PASSES * (contents.entities + contents.changes + contents.records)
            with progress_bar("Copying", total, MofNCompleteColumn(), TimeRemainingColumn()) as (bar, task):
                advance = lambda number: bar.update(task, advance=number)  # noqa: E731 - one line instead of two
                await move(source, target, advance)
                bar.update(task, completed=total // PASSES, description="Verifying")
                proof = await prove(source, target, advance)
            return {**asdict(proof.contents), "sha256": proof.sha256}
        finally:
            await target.close()
    finally:
        await source.close()


def hidden(url: str) -> str:
    """Return a URL without its password."""
    scheme, separator, rest = url.partition("://")
    user, at, place = rest.rpartition("@")
    return f"{scheme}{separator}{user.partition(':')[0]}{at}{place}" if separator else url
