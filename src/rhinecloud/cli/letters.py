"""`rhinecloud deadletters`: messages that could not be processed."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.progress import track

from rhinecloud.cli.city_client import CityClient, HttpCityClient, open_running
from rhinecloud.cli.exits import Exit
from rhinecloud.cli.options import HERE, City, Json
from rhinecloud.cli.screen import console, print_json, table
from rhinecloud.kernel.errors import Invalid

LETTERS = "/api/v1/deadletters"
PAGE = 1000

Feed = Annotated[str, typer.Option(help="Only those of this feed.")]
Ids = Annotated[list[str] | None, typer.Argument(help="Ids of dead letters; none: all of `--feed`.")]


def build() -> typer.Typer:
    """Return `rhinecloud deadletters`."""
    letters = typer.Typer(
        no_args_is_help=True, help="Messages that could not be processed.", rich_markup_mode="markdown"
    )

    @letters.command("list")
    def list_letters(
        feed: Feed = "",
        limit: Annotated[int, typer.Option(help="Most letters to list.", min=1, max=PAGE)] = 50,
        city: City = HERE,
        as_json: Json = False,
    ) -> None:
        """List dead letters, the newest first. Equal messages with the same reason are one dead letter with a count.

        Example: `rhinecloud deadletters list --feed gauges`
        """
        with open_running(city) as client:
            page = client.request("GET", LETTERS, query={"feed": feed, "limit": limit})
        if as_json:
            print_json(page)
            return
        rows = [
            (each["id"], last_of(each), each["times"], each["size"], each["tries"], each["reason"])
            for each in page["items"]
        ]
        console().print(table("", ["id", "last received", "times", "bytes", "tries", "reason"], rows))
        if page["more"]:
            print(f"{page['total'] - len(rows)} more")

    @letters.command("show")
    def show_letter(
        letter: Annotated[str, typer.Argument(help="Id of a dead letter.")],
        raw: Annotated[bool, typer.Option("--raw", help="Write only its bytes to standard output.")] = False,
        city: City = HERE,
        as_json: Json = False,
    ) -> None:
        """Show a dead letter and the message that was received.

        Example: `rhinecloud deadletters show gauges~17`
        """
        with open_running(city) as client:
            found = client.request("GET", f"{LETTERS}/{quote(letter, safe='')}")
        if as_json:
            print_json(found)
            return
        body = base64.b64decode(found.pop("raw"))
        if raw:
            sys.stdout.buffer.write(body)
            return
        console().print(table("", ["", ""], _rows_of(found)))
        print(body.decode("utf-8", "replace"))

    @letters.command("replay")
    def replay_letters(
        feed: Annotated[str, typer.Argument(help="The feed whose dead letters are processed again.")],
        ids: Annotated[
            list[str] | None, typer.Option("--id", help="Only this dead letter; may be given several times.")
        ] = None,
        city: City = HERE,
        as_json: Json = False,
    ) -> None:
        """Process dead letters again, after the mapping was mended; those that succeed are removed.

        They are processed in the order in which they were received, and keep the time of their receipt. Exit code 1
        when one failed again.

        Example: `rhinecloud deadletters replay gauges`
        """
        with open_running(city) as client:
            outcome = client.request("POST", f"{LETTERS}/replay", {"feed": feed, "ids": ids or []})
        if as_json:
            print_json(outcome)
        else:
            print(f"{outcome['accepted']} accepted, {len(outcome['kept'])} failed again")
            for letter in outcome["kept"][:10]:
                print(f"  {letter['id']}: {letter['reason']}", file=sys.stderr)
            for missing in outcome["missing"]:
                print(f"  {missing}: there is no such dead letter", file=sys.stderr)
        failed = outcome["kept"] or outcome["missing"]
        raise typer.Exit(Exit.FAILED if failed else Exit.DONE)

    @letters.command("drop")
    def drop_letters(ids: Ids = None, feed: Feed = "", city: City = HERE, as_json: Json = False) -> None:
        """Delete dead letters.

        Example: `rhinecloud deadletters drop gauges~17`
        """
        with open_running(city) as client:
            chosen = _chosen(client, ids, feed)
            for each in track(chosen, "Deleting", console=_progress(), disable=as_json):
                client.request("DELETE", f"{LETTERS}/{quote(each, safe='')}")
        if as_json:
            print_json({"dropped": chosen})
        else:
            print(f"{len(chosen)} deleted")

    return letters


def _rows_of(letter: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield the rows of a table about a dead letter, without empty values."""
    for name, value in letter.items():
        if value not in ("", False, None) and name != "decoded":
            yield name.replace("_", " "), "yes" if value is True else value
    yield "below", "the decoded message" if letter["decoded"] else "the bytes that were received"


def last_of(letter: dict[str, Any]) -> str:
    """Return when a dead letter was last received, to the second."""
    moment: str = letter["last_received"] or letter["received"]
    return moment[:19].replace("T", " ")


def _chosen(client: HttpCityClient, ids: list[str] | None, feed: str) -> list[str]:
    """Return the ids that were named, or all of a feed. Raise Invalid where there is neither."""
    if ids:
        return ids
    if not feed:
        raise Invalid("ids of dead letters or --feed must be given")
    return [each["id"] for each in _all_of(client, feed)]


def _all_of(client: CityClient, feed: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = client.request("GET", LETTERS, query={"feed": feed, "limit": PAGE, "offset": len(found)})
        found += page["items"]
        if not page["more"]:
            return found


def _progress() -> Any:
    from rich.console import Console

    return Console(stderr=True)
