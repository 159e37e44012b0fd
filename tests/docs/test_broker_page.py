"""The broker's page names every operation, parameter and error that the broker has, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from rhinecloud.broker.http.pretty_print import SPACES, SWITCH
from rhinecloud.broker.http.problem import TABLE, WITHOUT_BODY
from rhinecloud.broker.routes import routes_with
from rhinecloud.broker.routes.unbuilt import ROUTES as UNBUILT
from rhinecloud.subscriptions.routes import subscription_routes

ROUTES = routes_with(subscription_routes(None))

PAGE = (Path(__file__).parents[2] / "docs" / "parts" / "broker.md").read_text(encoding="utf-8")
BUILT = [route for route in ROUTES if route not in UNBUILT]


def first_cells(heading: str) -> list[str]:
    """Give the first cell of each row of the table below a heading."""
    section = PAGE.partition(f"{heading}\n")[2].partition("\n#")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [row.split("|")[1].strip() for row in rows[2:]]


def test_every_operation_is_a_row_and_every_row_an_operation() -> None:
    shown = {cell.strip("`") for cell in first_cells("## What it offers")}
    paths = {f"{route.verb} {route.path}" for route in BUILT}
    without_id = {"PUT /entities", "PATCH /entities"}  # only to say that the id is missing
    assert shown == paths - without_id


def test_every_parameter_is_named_and_no_other() -> None:
    shown = {name for cell in first_cells("### Parameters") for name in re.findall(r"`(\w+)`", cell)}
    known = {name for route in BUILT for name in route.parameters or ()}
    of_the_door = {each.decode().rstrip("=") for each in (SWITCH, SPACES)}
    assert shown == known | of_the_door


def test_every_error_is_in_the_table() -> None:
    section = PAGE.partition("### Errors\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([\d, ]+) \| ([\w ]+) \|", section, re.MULTILINE)
    shown = {(int(status), name) for statuses, name in rows for status in statuses.split(",")}
    known = {(kind.status, "no body" if kind.status in WITHOUT_BODY else kind.name) for _, kind in TABLE}
    assert shown == known
