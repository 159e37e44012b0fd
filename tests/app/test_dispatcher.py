"""The front of the city: who is sent where, who is sent away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rhinecloud.app.asgi import Receive, Scope, Send, reply
from rhinecloud.app.dispatcher import Dispatcher


def naming(name: str) -> Any:
    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        await reply(send, 200, name.encode())

    return door


def scope_of(method: str, path: str, **headers: str) -> Scope:
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "path": path, "headers": fields}


async def ask(doors: Dispatcher, scope: Scope) -> tuple[int, bytes]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    await doors(scope, receive, send)
    return sent[0]["status"], b"".join(each.get("body", b"") for each in sent)


@pytest.fixture
def doors() -> Dispatcher:
    return Dispatcher(
        [("/api/", naming("api")), ("/ngsi-ld/", naming("broker"))], naming("pages"), ["https://city.example"]
    )


@pytest.mark.parametrize(
    ("path", "name"),
    [("/api/v1/x", b"api"), ("/ngsi-ld/v1/x", b"broker"), ("/", b"pages"), ("/apiary", b"pages")],
)
async def test_the_beginning_of_the_path_chooses_the_door(doors: Dispatcher, path: str, name: bytes) -> None:
    assert await ask(doors, scope_of("GET", path)) == (200, name)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://localhost:8080"}, 200),
        ({"origin": "https://city.example"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://localhost:9999"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://evil.example", "authorization": "Bearer rct_x"}, 200),
    ],
)
async def test_another_sites_page_changes_nothing_here(
    doors: Dispatcher, headers: dict[str, str], status: int
) -> None:
    scope = scope_of("POST", "/api/v1/x", host="localhost:8080", **headers)
    assert (await ask(doors, scope))[0] == status


async def test_another_sites_page_may_still_link_here(doors: Dispatcher) -> None:
    scope = scope_of("GET", "/", host="localhost:8080", origin="http://evil.example")
    assert (await ask(doors, scope))[0] == 200


async def test_another_sites_page_opens_no_websocket(doors: Dispatcher) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/live",
        "headers": [(b"origin", b"http://evil.example"), (b"host", b"x")],
    }
    await doors(scope, receive, send)
    assert sent == [{"type": "websocket.close", "code": 4403}]


async def test_closing_waits_for_those_inside_and_lets_nobody_in() -> None:
    inside, leave = asyncio.Event(), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        inside.set()
        await leave.wait()
        await reply(send, 200, b"done")

    doors = Dispatcher([], slow)
    asking = asyncio.create_task(ask(doors, scope_of("GET", "/")))
    await inside.wait()
    closing = asyncio.create_task(doors.close(5))
    await asyncio.sleep(0)
    assert (await ask(doors, scope_of("GET", "/")))[0] == 503
    leave.set()
    assert await closing
    assert await asking == (200, b"done")


async def test_closing_does_not_wait_for_ever() -> None:
    async def stuck(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    doors = Dispatcher([], stuck)
    asking = asyncio.create_task(ask(doors, scope_of("GET", "/")))
    await asyncio.sleep(0.01)
    assert not await doors.close(0.05)
    asking.cancel()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("localhost", 200),
        ("city.example", 200),
        ("evil.example", 403),
    ],
)
async def test_an_open_city_answers_to_its_own_address_only(host: str, status: int) -> None:
    doors = Dispatcher([], naming("pages"), ["https://city.example"], literal_hosts_only=True)
    assert (await ask(doors, scope_of("GET", "/", host=host)))[0] == status
