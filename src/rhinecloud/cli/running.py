"""Runs a city in the foreground: prints its address and how to sign in, shows its status, and stops it in order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from rhinecloud.app.city import RunningCity, web_folder
from rhinecloud.app.logs import LogSettings, write_log
from rhinecloud.app.memory import tune_garbage_collector
from rhinecloud.app.readers.replica import Replica
from rhinecloud.app.sections import read_city
from rhinecloud.app.server import with_port
from rhinecloud.app.settings import LoadedSettings
from rhinecloud.cli.screen import console, status_view
from rhinecloud.identity import IdentitySettings
from rhinecloud.kernel.errors import RhineCloudError, Unavailable
from rhinecloud.store.engine import StoreSettings, make_leadership
from rhinecloud.store.leadership import Leadership
from rhinecloud.store.migrations import DataTooOld

REFRESH_S = 2.0
RETRY_S = 1.0
"""After this time a process that became leader or replica tries again to start."""
FIRST_STATUS_S = 5.0
"""Without a terminal, the status is printed once after this time."""


def run_city(folder: Path, overrides: Mapping[str, Mapping[str, Any]], *, verbose: bool = False) -> None:
    """Run the city until SIGINT or SIGTERM. Raise the error that prevents its start."""
    settings = read_city(folder, overrides)
    write_log(settings.section("log", LogSettings), verbose=verbose)
    uvloop.run(_run(with_port(settings)))


async def _run(settings: LoadedSettings) -> None:
    screen = console()
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stopping.set)
    hang_up = HangUp(screen)
    loop.add_signal_handler(signal.SIGHUP, hang_up.on_signal)
    leadership = make_leadership(settings.section("store", StoreSettings))
    if leadership is None:
        await _lead(settings, hang_up, stopping.wait())
        return
    await leadership.open()
    try:
        await _lead_or_follow(settings, hang_up, stopping, leadership)
    finally:
        await leadership.close()


class HangUp:
    """SIGHUP at any moment: a running city reloads its files; a process that starts or follows only says so."""

    def __init__(self, screen: Console) -> None:
        self.screen = screen
        self.city: RunningCity | None = None
        self._reload: asyncio.Task[None] | None = None

    def on_signal(self) -> None:
        """Reload the files of the city that runs here."""
        if self.city is None:
            self.screen.print("SIGHUP: nothing to reload, the city does not run in this process yet")
        else:
            self._reload = asyncio.create_task(_reload(self.city, self.screen), name="reload")


async def _lead_or_follow(
    settings: LoadedSettings, hang_up: HangUp, stopping: asyncio.Event, leadership: Leadership
) -> None:
    """Lead or follow until stopped. Raise Unavailable where an engine is away at the start; later, retry."""
    screen = hang_up.screen
    started = waits = False
    while not stopping.is_set():
        try:
            if leadership.leads:
                await _lead(settings, hang_up, _first(stopping.wait(), leadership.until_following()))
            else:
                await _follow(settings, screen, _first(stopping.wait(), leadership.until_leading()))
            started = True
        except DataTooOld as error:
            if not waits:
                screen.print(f"[yellow]{error}; waiting[/yellow]")
            waits = True
            await _first(stopping.wait(), leadership.until_leading(), asyncio.sleep(RETRY_S))
        except Unavailable as error:
            if not started:
                raise
            screen.print(f"[yellow]{error}; retrying[/yellow]")
            await _first(stopping.wait(), asyncio.sleep(RETRY_S))


async def _lead(settings: LoadedSettings, hang_up: HangUp, end: Coroutine[Any, Any, Any]) -> None:
    """Run the city itself until `end`."""
    screen = hang_up.screen
    city, started = RunningCity(settings), time.monotonic()
    try:
        await city.start()
    except BaseException:
        end.close()
        raise
    tune_garbage_collector()
    hang_up.city = city
    try:
        screen.print(_city_panel(city, time.monotonic() - started))
        showing = asyncio.create_task(_show(city, screen))
        await end
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)
    finally:
        hang_up.city = None
        await _stop(city, screen)


async def _reload(city: RunningCity, screen: Console) -> None:
    """Take edited files into use, and print what changed or why nothing did."""
    try:
        report = await city.reloader.reload()
    except RhineCloudError as error:
        screen.print(Text(f"not reloaded: {error}", "red"))
        return
    for line in report.changed or ("nothing changed",):
        screen.print(f"reloaded: {line}")
    if report.restart:
        screen.print(Text(f"needs a restart: {', '.join(report.restart)}", "yellow"))


async def _follow(settings: LoadedSettings, screen: Console, end: Coroutine[Any, Any, Any]) -> None:
    """Run a replica beside the process that leads the city, until `end`."""
    replica = Replica(settings)
    try:
        await replica.start()
    except BaseException:
        end.close()
        raise
    tune_garbage_collector()
    try:
        screen.print(_replica_panel(replica))
        await end
    finally:
        await replica.stop()


async def _first(*ends: Coroutine[Any, Any, Any]) -> None:
    """Wait until the first of several ends."""
    waiting = [asyncio.ensure_future(each) for each in ends]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()


async def _stop(city: RunningCity, screen: Console) -> None:
    began = time.monotonic()
    try:
        async with asyncio.timeout(city.settings.server.stop_s):
            await city.stop()
    except TimeoutError:
        running = ", ".join(sorted(task.get_name() for task in asyncio.all_tasks() if not task.done()))
        screen.print(
            f"[yellow]stopped by force after {city.settings.server.stop_s:.0f} s; still running: {running}[/yellow]"
        )
    else:
        screen.print(f"stopped in {time.monotonic() - began:.1f} s")


def _replica_panel(replica: Replica) -> Panel:
    settings = replica.settings
    lines = [Text.assemble((replica.url, "bold"), f"   {settings.city.name}, led by {replica.leader.url}")]
    if settings.server.workers > 1:
        unused = (
            f"a replica is one process; server.workers = {settings.server.workers} applies only to the leader"
        )
        lines.append(Text(unused, "yellow"))
    return Panel(Group(*lines), title="Rhine Cloud", title_align="left", expand=False)


def _city_panel(city: RunningCity, seconds: float) -> Panel:
    lines = [Text.assemble((city.url, "bold"), f"   {city.settings.city.name}, up in {seconds:.1f} s")]
    if city.settings.section("identity", IdentitySettings).open:
        warning = "ACCESS IS OPEN: every client of this address is an administrator. Use it for tests only."
        lines.append(Text(warning, "bold red"))
    elif city.first_password:
        lines.append(Text.assemble("sign in as ", ("admin", "bold"), " with ", (city.first_password, "bold")))
        lines.append(Text("this password is valid for one sign-in and is not shown again", "dim"))
    else:
        lines.append(Text("forgot the password? `rhinecloud users passwd NAME`", "dim"))
    if not (web_folder() / "index.html").exists():
        lines.append(Text("the operations centre is not built: `make web`", "yellow"))
    return Panel(Group(*lines), title="Rhine Cloud", title_align="left", expand=False)


async def _show(city: RunningCity, screen: Console) -> None:
    if not sys.stdout.isatty():
        await asyncio.sleep(FIRST_STATUS_S)
        screen.print(status_view(await city.status.collect()))
        return
    with Live(console=screen, auto_refresh=False, transient=True, vertical_overflow="crop") as live:
        while True:
            with contextlib.suppress(RhineCloudError):
                live.update(status_view(await city.status.collect()), refresh=True)
            await asyncio.sleep(REFRESH_S)
