"""Calls to the outside: never to the inside, unless the operator says so."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from broker.assembly import open_broker
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.kernel.errors import Invalid
from rhinecloud.outgoing import PrivateAddress, addresses_of, check_url, is_public, open_session

INSIDE = (
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1",
)  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_of_the_inside_are_refused(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    assert not is_public(address)
    with pytest.raises(PrivateAddress):
        check_url(f"http://{host}:8080/x", allow_private=False)
    check_url(f"http://{host}:8080/x", allow_private=True)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "/x",
        "file:///etc/passwd",
        "ftp://example.org/x",
        "http://",
        "http:x",
        "http://a:0/",
        "http://a:77777/",
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        check_url(url, allow_private=True)


def test_the_open_internet_is_allowed() -> None:
    check_url("https://example.org/x", allow_private=False)
    check_url("https://193.0.6.139/x", allow_private=False)


async def test_a_name_that_leads_inside_is_refused_when_it_is_resolved() -> None:
    async with open_session(allow_private=False, timeout_s=2) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get("http://localhost:9/")


@pytest.mark.parametrize(
    "answer",
    [
        ("127.0.0.1", "193.0.6.139"),
        ("193.0.6.139", "127.0.0.1"),
        ("193.0.6.139", "10.1.2.3", "193.0.6.140"),
        ("2001:67c:2e8:22::c100:68b", "fd00::1"),
    ],
)
async def test_one_private_address_among_public_ones_refuses_the_name(
    answer: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        """Answer as the operating system does for a name whose DNS records somebody else writes."""
        assert host == "mixed.example.org"
        family = socket.AF_INET6 if ":" in answer[0] else socket.AF_INET
        rest = (0, 0) if family == socket.AF_INET6 else ()
        return [(family, socket.SOCK_STREAM, 6, "", (each, port, *rest)) for each in answer]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert len(await addresses_of("mixed.example.org", 9, allow_private=True)) == len(answer)
    with pytest.raises(OSError, match="private address"):
        await addresses_of("mixed.example.org", 9, allow_private=False)
    async with open_session(allow_private=False, timeout_s=2) as session:
        with pytest.raises(aiohttp.ClientConnectorDNSError):
            await session.get("http://mixed.example.org:9/")


async def test_a_city_open_to_the_world_fetches_no_context_from_the_inside(tmp_path: Path) -> None:
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"@context": {}})

    app = web.Application()
    app.router.add_get("/{name}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        async with open_broker(tmp_path, settings=BrokerSettings()) as api:
            for host in ("127.0.0.1", "localhost", "[::1]", "0"):
                body = {"id": "urn:x:1", "type": "T", "@context": f"http://{host}:{port}/secret"}
                headers = {"content-type": "application/ld+json"}
                assert (await api.call("POST", "/entities", body, headers=headers)).status == 504
    finally:
        await runner.cleanup()
    assert asked == []


async def test_a_context_is_bounded_in_size_and_redirects(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/large":
            return web.json_response({"@context": {}, "fill": "x" * 5_000})
        if request.path == "/loop":
            raise web.HTTPFound("/loop")
        if request.path == "/moved":
            raise web.HTTPMovedPermanently("/small")
        return web.json_response({"@context": {}})

    app = web.Application()
    app.router.add_get("/{name}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    settings = BrokerSettings(allow_private_contexts=True, context_max_bytes=1_000)
    statuses = {}
    try:
        async with open_broker(tmp_path, settings=settings) as api:
            for name in ("small", "moved", "large", "loop"):
                body = {"id": f"urn:x:{name}", "type": "T", "@context": f"http://127.0.0.1:{port}/{name}"}
                headers = {"content-type": "application/ld+json"}
                statuses[name] = (await api.call("POST", "/entities", body, headers=headers)).status
    finally:
        await runner.cleanup()
    assert statuses == {"small": 201, "moved": 201, "large": 504, "loop": 504}
