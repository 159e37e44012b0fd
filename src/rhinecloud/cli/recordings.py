"""`replay` and `simulate`: readings for a city that come from no sensor."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from rhinecloud.cli.city_client import open_running
from rhinecloud.cli.exits import Exit
from rhinecloud.cli.options import HERE, City, Json
from rhinecloud.cli.screen import print_json

PANEL = "The city"


def add_to(program: typer.Typer) -> None:
    """Add the commands."""

    @program.command(rich_help_panel=PANEL)
    def replay(
        recording: Annotated[Path, typer.Argument(help="The recording: a file or a folder.")],
        feed: Annotated[str, typer.Option(help="Read it as this feed of the city's settings.")] = "",
        connector: Annotated[str, typer.Option(help="Its protocol, where no feed is named.")] = "",
        mapping: Annotated[str, typer.Option(help="What its messages mean, where no feed is named.")] = "",
        speed: Annotated[
            float, typer.Option(help="Times quicker than recorded; 0: as quick as possible.", min=0)
        ] = 1.0,
        now: Annotated[
            bool, typer.Option("--now", help="Move its dates to the present, and mark it as simulated.")
        ] = False,
        city: City = HERE,
        as_json: Json = False,
    ) -> None:
        """Play a recording into the running city, through the connector and mapping of a feed.

        Readings keep the times that the recording names. What has none is marked as simulated.

        Exit code 1 when some of it could not be used.

        Example: `rhinecloud replay ais.log --connector ais --mapping port.ais --speed 60`
        """
        from rhinecloud.app.sections import read_city
        from rhinecloud.cli.replaying import Replay, choose_feed
        from rhinecloud.connectors.settings import MEASURED, NOW, RECORDED, FeedSettings

        settings = read_city(city)
        chosen = choose_feed(settings, feed, connector, mapping)
        values = {name: getattr(chosen, name) for name in FeedSettings.__dataclass_fields__}
        values |= {"url": "", "path": str(recording.resolve()), "speed": speed, "loop": False}
        if now:
            values["dates"] = NOW
        elif chosen.dates == RECORDED:
            values["dates"] = MEASURED
        with open_running(city) as desk:
            counts = asyncio.run(Replay(desk, settings, FeedSettings(**values)).run(quiet=as_json))
        if as_json:
            print_json(counts)
        else:
            print(
                "{received} messages, {accepted} changes, {unchanged} unchanged, {dead} not usable".format(
                    **counts
                )
            )
            for reason in counts["reasons"]:
                print(f"  {reason}", file=sys.stderr)
        raise typer.Exit(Exit.FAILED if counts["dead"] else Exit.DONE)

    @program.command(rich_help_panel=PANEL)
    def simulate(city: City = HERE) -> None:
        """Play vessels, vehicles and sensors for a city, as `[simulator]` says, until Ctrl-C.

        They speak AIS over TCP, GTFS over HTTP and MQTT, as real ones would; the city's feeds connect to them.

        Example: `rhinecloud simulate --city examples/duisburg`
        """
        from rhinecloud.app.sections import read_city
        from rhinecloud.cli.simulating import play
        from rhinecloud.simulator.settings import SimulatorSettings

        settings = read_city(city)
        asyncio.run(play(settings.section("simulator", SimulatorSettings), settings.folder))
