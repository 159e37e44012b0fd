"""Output in the terminal: tables, JSON, and the status of a city."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from rich.console import Console, Group
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

SAMPLE_LETTERS = 60
STATES = {
    "live": "green",
    "degraded": "yellow",
    "connecting": "yellow",
    "waiting": "yellow",
    "silent": "yellow",
    "failing": "red",
    "ended": "dim",
    "stopped": "dim",
}


def console() -> Console:
    """Return the console of standard output, 160 columns wide where that is not a terminal."""
    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=160)


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n")


@contextmanager
def progress_bar(
    words: str, total: int | None, *columns: ProgressColumn
) -> Iterator[tuple[Progress, TaskID]]:
    """Yield a progress bar on standard error and its task; it is shown only where that is a terminal."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *columns,
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with progress:
        yield progress, progress.add_task(words, total=total)


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun, such as `1 fault` and `2 faults`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table without borders."""
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(each if isinstance(each, Text) else Text(str(each)) for each in row))
    return made


def status_view(status: dict[str, Any]) -> Group:
    """Return the status of a city: a line of figures, the feeds, and a line for each problem."""
    stream = status["stream"]
    figures = "  ".join(
        [
            counted(status["entities"], "entity", "entities"),
            f"{status['messages_per_s']:.1f} messages/s",
            counted(status["subscriptions"], "subscription"),
            counted(status["alerts_active"], "alert"),
            counted(status["incidents_open"], "open incident"),
            f"stream {stream['state']}, {stream['lag']} behind",
            *(f"data of {name} {number}" for name, number in status["data"].items()),
            f"{status['memory_mb']:.0f} MB",
        ]
    )
    feeds = table(
        "",
        ["feed", "connector", "state", "received", "ignored", "dead", "per s", "last"],
        [
            (
                feed["name"],
                feed["connector"],
                Text(feed["state"], STATES.get(feed["state"], "")),
                f"{feed['received']:,}",
                f"{feed['ignored']:,}",
                feed["dead"],
                f"{feed['rate_per_s']:.1f}",
                feed["last_at"][:19],
            )
            for feed in status["feeds"]
        ],
    )
    problems = [Text(f"! {line}", "yellow") for line in problems_of(status)]
    return Group(Text(figures), *([feeds] if status["feeds"] else []), *_ignored_view(status), *problems)


def _ignored_view(status: dict[str, Any]) -> list[Table]:
    """Return the table of what the feeds ignored, by reason; none where they ignored nothing."""
    rows = [
        (feed["name"], each["reason"], f"{each['count']:,}", each["sample"][:SAMPLE_LETTERS])
        for feed in status["feeds"]
        for each in feed["ignored_by_reason"]
    ]
    return [table("", ["feed", "ignored because", "times", "newest"], rows)] if rows else []


def problems_of(status: dict[str, Any]) -> list[str]:
    """Return a line for each problem of a city."""
    lines = [f"feed {feed['name']}: {feed['error']}" for feed in status["feeds"] if feed["error"]]
    lines += [
        f"MQTT: the store `{store['name']}` is full: see stream.mqtt_megabytes and mqtt_sessions"
        for store in status["stream"]["mqtt"]
        if store["full"]
    ]
    lines += [f"pack {pack['name']}: {pack['reason']}" for pack in status["packs"]["failed"]]
    lines += [f"context: {each}" for each in status["packs"]["disagreements"]]
    lines += [f"rule {each}" for each in status["rules"]["errors"]]
    lines += [f"{work['name']}: {work['error']}" for work in status["consumers"] if work["error"]]
    if status["access"] == "open":
        lines.append("access is open: every client of the port is an administrator")
    return lines
