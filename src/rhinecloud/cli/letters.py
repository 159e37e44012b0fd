"""`rhinecloud deadletters`: what came in and could not be used."""

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
from rhinecloud.kernel.errors import Conflict, Invalid, NotFound

LETTERS = "/api/v1/deadletters"
PAGE = 1000

Feed = Annotated[str, typer.Option(help="Only those of this feed.")]
Ids = Annotated[list[str] | None, typer.Argument(help="Ids of dead letters; none: all of `--feed`.")]


def build() -> typer.Typer:
    """Build `rhinecloud deadletters`."""
    letters = typer.Typer(
        no_args_is_help=True, help="What came in and could not be used.", rich_markup_mode="markdown"
    )

    @letters.command("list")
    def list_letters(
        feed: Feed = "",
        limit: Annotated[int, typer.Option(help="Most letters to list.", min=1, max=PAGE)] = 50,
        city: City = HERE,
        as_json: Json = False,
    ) -> None:
        """List dead letters, the newest first: what came again with the same reason is one, and counts.

        Example: `rhinecloud deadletters list --feed gauges`
        """
        with open_running(city) as desk:
            page = desk.ask("GET", LETTERS, query={"feed": feed, "limit": limit})
        if as_json:
            print_json(page)
            return
        rows = [
            (each["id"], last_of(each), each["times"], each["size"], each["tries"], each["reason"])
            for each in page["items"]
        ]
        console().print(table("", ["id", "last received", "times", "bytes", "tries", "reason"], rows))
        if page["more"]:
            print(f"and {page['total'] - len(rows)} more")

    @letters.command("show")
    def show_letter(
        letter: Annotated[str, typer.Argument(help="Id of a dead letter.")],
        raw: Annotated[
            bool, typer.Option("--raw", help="Write its bytes to standard output, nothing else.")
        ] = False,
        city: City = HERE,
        as_json: Json = False,
    ) -> None:
        """Show one dead letter with what was received.

        Example: `rhinecloud deadletters show gauges~17`
        """
        with open_running(city) as desk:
            found = desk.ask("GET", f"{LETTERS}/{quote(letter, safe='')}")
        if as_json:
            print_json(found)
            return
        body = base64.b64decode(found.pop("raw"))
        if raw:
            sys.stdout.buffer.write(body)
            return
        console().print(table("", ["", ""], _told(found)))
        print(body.decode("utf-8", "replace"))

    @letters.command("retry")
    def retry_letters(ids: Ids = None, feed: Feed = "", city: City = HERE, as_json: Json = False) -> None:
        """Try dead letters again; those that succeed are gone.

        Exit code 1 when one did not.

        Example: `rhinecloud deadletters retry --feed gauges`
        """
        with open_running(city) as desk:
            chosen = _chosen(desk, ids, feed)
            trying = track(chosen, "Trying again", console=_progress(), disable=as_json)
            failed = [answer for each in trying if (answer := _retry(desk, each))]
        accepted = len(chosen) - len(failed)
        if as_json:
            print_json({"accepted": accepted, "failed": failed})
        else:
            print(f"{accepted} accepted, {len(failed)} failed again")
            for answer in failed[:10]:
                print(f"  {answer['id']}: {answer['reason']}", file=sys.stderr)
        raise typer.Exit(Exit.FAILED if failed else Exit.DONE)

    @letters.command("drop")
    def drop_letters(ids: Ids = None, feed: Feed = "", city: City = HERE, as_json: Json = False) -> None:
        """Forget dead letters.

        Example: `rhinecloud deadletters drop gauges~17`
        """
        with open_running(city) as desk:
            chosen = _chosen(desk, ids, feed)
            for each in track(chosen, "Dropping", console=_progress(), disable=as_json):
                desk.ask("DELETE", f"{LETTERS}/{quote(each, safe='')}")
        if as_json:
            print_json({"dropped": chosen})
        else:
            print(f"{len(chosen)} dropped")

    return letters


def _told(letter: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Return what is to be said of a letter, in words for people; what says nothing is left out."""
    for name, value in letter.items():
        if value not in ("", False, None) and name != "decoded":
            yield name.replace("_", " "), "yes" if value is True else value
    yield "below", "the message as it was read" if letter["decoded"] else "the bytes as they came"


def last_of(letter: dict[str, Any]) -> str:
    """Return the moment at which a letter's fault came last, to the second."""
    moment: str = letter["last_received"] or letter["received"]
    return moment[:19].replace("T", " ")


def _retry(desk: HttpCityClient, letter: str) -> dict[str, Any]:
    """Try a letter again; give it with the reason where it failed, also where it cannot be tried or is gone by now."""
    try:
        answer = desk.ask("POST", f"{LETTERS}/{quote(letter, safe='')}/retry")
    except (Conflict, NotFound) as error:
        return {"id": letter, "reason": str(error)}
    found: dict[str, Any] = {} if answer["accepted"] else answer["letter"]
    return found


def _chosen(desk: HttpCityClient, ids: list[str] | None, feed: str) -> list[str]:
    """Return the ids that were named, or all of a feed; raises Invalid where neither was."""
    if ids:
        return ids
    if not feed:
        raise Invalid("name the ids of dead letters, or a --feed for all of its own")
    return [each["id"] for each in _all_of(desk, feed)]


def _all_of(desk: CityClient, feed: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = desk.ask("GET", LETTERS, query={"feed": feed, "limit": PAGE, "offset": len(found)})
        found += page["items"]
        if not page["more"]:
            return found


def _progress() -> Any:
    from rich.console import Console

    return Console(stderr=True)
