"""`rhinecloud replay` and `simulate`: readings from recordings and from the simulator."""

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

PANEL = "City"


def add_to(program: typer.Typer) -> None:
    """Add the commands."""

    @program.command(rich_help_panel=PANEL)
    def replay(
        recording: Annotated[Path, typer.Argument(help="The recording: a file or a folder.")],
        feed: Annotated[str, typer.Option(help="The feed of the city's settings that reads it.")] = "",
        connector: Annotated[str, typer.Option(help="Its protocol, where no feed is given.")] = "",
        mapping: Annotated[
            str, typer.Option(help="The mapping of its messages, where no feed is given.")
        ] = "",
        speed: Annotated[
            float, typer.Option(help="Speed relative to the recording; 0: as fast as possible.", min=0)
        ] = 1.0,
        now: Annotated[
            bool,
            typer.Option("--now", help="Shift its times to the present, and mark the readings as simulated."),
        ] = False,
        city: City = HERE,
        as_json: Json = False,
    ) -> None:
        """Play a recording into the running city, through the connector and mapping of a feed.

        Readings keep the times of the recording. Readings without a time are marked as simulated.

        Exit code 1 when some messages could not be processed.

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
        with open_running(city) as client:
            counts = asyncio.run(Replay(client, settings, FeedSettings(**values)).run(quiet=as_json))
        if as_json:
            print_json(counts)
        else:
            print(
                "{received} messages, {accepted} changes, {unchanged} unchanged, {ignored} ignored, "
                "{dead} failed".format(**counts)
            )
            for reason in counts["reasons"]:
                print(f"  {reason}", file=sys.stderr)
        raise typer.Exit(Exit.FAILED if counts["dead"] else Exit.DONE)

    @program.command(rich_help_panel=PANEL)
    def simulate(city: City = HERE) -> None:
        """Simulate the vessels, vehicles and sensors of `[simulator]` until Ctrl-C.

        They send AIS over TCP, GTFS over HTTP and MQTT, as real ones do; the city's feeds connect to them.

        Example: `rhinecloud simulate --city examples/duisburg`
        """
        from rhinecloud.app.sections import read_city
        from rhinecloud.cli.simulating import play
        from rhinecloud.simulator.settings import SimulatorSettings

        settings = read_city(city)
        asyncio.run(play(settings.section("simulator", SimulatorSettings), settings.folder))
