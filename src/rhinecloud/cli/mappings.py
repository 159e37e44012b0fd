"""`rhinecloud mapping`: mappings of feeds, tried before they are used."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from rhinecloud.cli.exits import Exit
from rhinecloud.cli.options import HERE, City, Json
from rhinecloud.cli.screen import print_json
from rhinecloud.kernel.errors import Invalid


def build() -> typer.Typer:
    """Return `rhinecloud mapping`."""
    mappings = typer.Typer(
        no_args_is_help=True, help="Mappings of feeds, tried before use.", rich_markup_mode="markdown"
    )

    @mappings.callback()
    def group() -> None:
        """Mappings of feeds, tried before use."""

    @mappings.command("try")
    def try_mapping(
        mapping: Annotated[str, typer.Argument(help="A YAML file, or a pack's mapping by name.")],
        sample: Annotated[
            str, typer.Argument(help="A file with what the source sends; - for standard input.")
        ],
        feed: Annotated[
            str, typer.Option(help="The feed whose connector and settings read the sample.")
        ] = "",
        connector: Annotated[str, typer.Option(help="The connector, where no feed is given.")] = "json",
        topic: Annotated[str, typer.Option(help="The MQTT topic of the sample.")] = "",
        city: City = HERE,
        as_json: Json = False,
    ) -> None:
        """Print the entities that a mapping makes of a sample, and what it rejects and ignores. Nothing is written.

        Exit code 1 when something is rejected, 3 when the mapping has faults.

        Example: `rhinecloud mapping try mappings/boxes.yaml message.json --topic boxes/7/a/reading`
        """
        outcome = _try(city, (mapping, feed, connector), (_read(sample), topic))
        if as_json:
            print_json(outcome)
        else:
            _print(outcome)
        raise typer.Exit(Exit.FAILED if outcome["rejected"] else Exit.DONE)

    return mappings


def _try(city: Path, chosen: tuple[str, str, str], sent: tuple[bytes, str]) -> dict[str, Any]:
    from rhinecloud.app.sections import read_city
    from rhinecloud.cli.replaying import choose_feed, sources_of
    from rhinecloud.connectors.settings import ConnectorSettings
    from rhinecloud.connectors.trial import MappingTrial, TrialSample
    from rhinecloud.kernel.time import utc_now

    settings = read_city(city)
    mapping, name, connector = chosen
    feed = choose_feed(settings, name, connector, mapping)
    limits = settings.section("connectors", ConnectorSettings)
    trial = MappingTrial(feed, sources_of(settings), limits)
    file = Path(mapping)
    sample = TrialSample(*sent, utc_now())
    outcome = (
        trial.try_text(file.read_text("utf-8"), sample)
        if file.is_file()
        else trial.try_named(mapping, sample)
    )
    return {
        "messages": outcome.messages,
        "entities": outcome.entities,
        "rejected": outcome.rejected,
        "ignored": [{"reason": each.reason, "sample": each.sample} for each in outcome.ignored],
        "unread": outcome.unread,
    }


def _read(sample: str) -> bytes:
    if sample == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(sample).read_bytes()
    except OSError as error:
        raise Invalid(f"cannot read {sample}: {error.strerror}", field="SAMPLE") from None


def _print(outcome: dict[str, Any]) -> None:
    for entity in outcome["entities"]:
        print(orjson.dumps(entity, option=orjson.OPT_INDENT_2, default=str).decode())
    for reason in outcome["rejected"]:
        print(f"rejected: {reason}", file=sys.stderr)
    for each in outcome["ignored"]:
        print(f"ignored: {each['reason']} ({each['sample'][:200]})", file=sys.stderr)
    for path in outcome["unread"]:
        print(f"no value at {path}", file=sys.stderr)
    counts = {name: len(outcome[name]) for name in ("entities", "rejected", "ignored")}
    print(
        "{messages} messages: {entities} entities, {rejected} rejected, {ignored} ignored".format(
            messages=outcome["messages"], **counts
        ),
        file=sys.stderr,
    )
