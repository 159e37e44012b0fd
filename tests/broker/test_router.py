"""Finding a route in one step or in several gives the same."""

from __future__ import annotations

from typing import Any

import pytest

from rhinecloud.broker.errors import MethodNotAllowed
from rhinecloud.broker.http.route import Route
from rhinecloud.broker.http.router import Router
from rhinecloud.kernel.errors import NotFound


async def handle(*_: Any) -> Any: ...


def router(*rows: str) -> Router:
    return Router([Route(*row.split(), handle, row) for row in rows])


def found(table: Router, verb: str, path: str) -> tuple[str, dict[str, str]]:
    route, variables = table.find(verb, path.encode())
    return route.operation, variables


def test_fixed_names_come_before_variables() -> None:
    table = router("GET /a/{x}", "POST /a/fixed", "GET /b/{x}", "GET /a/{x}/c/{y}", "GET /b")
    assert found(table, "GET", "/a/1") == ("GET /a/{x}", {"x": "1"})
    assert found(table, "GET", "/b/1%3A2") == ("GET /b/{x}", {"x": "1:2"})
    assert found(table, "GET", "/b") == found(table, "GET", "/b/") == ("GET /b", {})
    assert found(table, "HEAD", "/b/1") == ("GET /b/{x}", {"x": "1"})
    assert found(table, "GET", "/b/1/") == ("GET /b/{x}", {"x": "1"})
    assert found(table, "GET", "/a/1/c/2") == ("GET /a/{x}/c/{y}", {"x": "1", "y": "2"})
    with pytest.raises(MethodNotAllowed):
        table.find("GET", b"/a/fixed")
    for path in (b"/c", b"/b/1/2", b"/a/1/d/2"):
        with pytest.raises(NotFound):
            table.find("GET", path)
