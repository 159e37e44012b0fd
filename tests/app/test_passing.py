"""What a reader passes on arrives as it was asked, and says who asked, whatever the asker claims."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from app.conftest import free_port
from rhinecloud.app.asgi import Message, Receive, Scope, Send, reply
from rhinecloud.app.readers.reverse_proxy import ReverseProxy, trust_proxies
from rhinecloud.app.readers.upstream import UpstreamAddress
from rhinecloud.app.server import HttpServer
from rhinecloud.app.settings import ServerSettings

PIECES, PIECE = 320, 65_536


class Town:
    """Stands for the city: notes what it is asked and answers by the path."""

    def __init__(self) -> None:
        self.heard: list[Scope] = []
        self.bodies: list[bytes] = []
        self.codes: list[int] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.heard.append(scope)
        if scope["type"] == "websocket":
            await self._talk(scope, receive, send)
        elif scope["path"] == "/large":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for number in range(PIECES):
                body = bytes([number % 256]) * PIECE
                await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        elif scope["path"].startswith("/status/"):
            await receive()
            fields = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"etag", b'"7"')]
            status = int(scope["path"].rpartition("/")[2])
            await send({"type": "http.response.start", "status": status, "headers": fields})
            await send({"type": "http.response.body", "body": b""})
        else:
            body = await _whole(receive)
            self.bodies.append(body)
            await reply(send, 200, hashlib.sha256(body).hexdigest().encode())

    async def _talk(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        message = await receive()
        while message["type"] != "websocket.disconnect":
            if message.get("text") == "close":
                await send({"type": "websocket.close", "code": 4409})
                return
            await send({"type": "websocket.send", "text": f"heard {message['text']}"})
            message = await receive()
        self.codes.append(message["code"])


async def _whole(receive: Receive) -> bytes:
    message: Message = {"more_body": True}
    parts = []
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)


@pytest.fixture
def town() -> Town:
    return Town()


@asynccontextmanager
async def served(application: object, **more: Path) -> AsyncIterator[HttpServer]:
    server = HttpServer(application, ServerSettings(port=free_port()), **more)  # type: ignore[arg-type]
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@pytest.fixture
async def front(town: Town, tmp_path: Path) -> AsyncIterator[HttpServer]:
    """A server that passes everything on to the town."""
    inside = UpstreamAddress.at_socket(tmp_path / "town.sock")
    passing = ReverseProxy(inside)
    async with (
        served(trust_proxies(town, inside), socket_path=tmp_path / "town.sock"),
        served(passing) as server,
    ):
        yield server
        await passing.close()


async def ask(server: HttpServer, head: str, body: bytes = b"") -> bytes:
    """Send bytes as they are, and give all that comes until the server closes or is silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
    answer = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            while part := await reader.read(65_536):
                answer += part
    writer.close()
    return answer


async def test_who_asked_is_who_is_connected_whatever_is_claimed(front: HttpServer, town: Town) -> None:
    claimed = {"X-Forwarded-For": "203.0.113.9", "X-Rhinecloud-Inside": "guess"}
    async with aiohttp.ClientSession(front.url) as client, client.get("/", headers=claimed):
        assert town.heard[0]["client"] == ("127.0.0.1", 0)


async def test_fields_for_one_connection_stay_there(front: HttpServer, town: Town) -> None:
    await ask(
        front, "GET / HTTP/1.1\nHost: town\nConnection: close, X-Hop\nX-Hop: 1\nX-Stays: 2\nTE: trailers"
    )
    names = {name for name, _ in town.heard[0]["headers"]}
    assert b"x-stays" in names
    assert not names & {b"x-hop", b"te", b"connection"}


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 3\nContent-Length: 4",
        "Content-Length: 3\nContent-Length: 3",
        "Content-Length: 3\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\nContent-Length: 30",
        "Transfer-Encoding: identity, chunked\nContent-Length: 3",
    ],
)
async def test_no_second_request_is_smuggled_in(front: HttpServer, town: Town, framing: str) -> None:
    chunk = b"3\r\nabc\r\n0\r\n\r\n" if "chunked" in framing else b"abc"
    body = chunk + b"GET /smuggled HTTP/1.1\r\nHost: town\r\n\r\n"
    await ask(front, f"POST / HTTP/1.1\nHost: town\n{framing}", body)
    # Behind a body stands the next request of the same asker. It is nobody else's, and has its own mark of who asked.
    assert all(scope["client"] == ("127.0.0.1", 0) for scope in town.heard)
    assert set(town.bodies) <= {b"abc", b""}


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_body_keeps_its_fields(front: HttpServer, status: int) -> None:
    async with aiohttp.ClientSession(front.url) as client:
        for _ in range(2):  # the connection stays usable
            async with client.get(f"/status/{status}") as answer:
                assert (answer.status, await answer.read()) == (status, b"")
                assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
                assert answer.headers["ETag"] == '"7"'


async def test_large_bodies_pass_both_ways_piece_by_piece(front: HttpServer) -> None:
    body = bytes(range(256)) * 40_000
    async with aiohttp.ClientSession(front.url) as client:
        async with client.put("/", data=body, expect100=True) as answer:
            assert await answer.text() == hashlib.sha256(body).hexdigest()
        async with client.get("/large") as answer:
            assert len(await answer.read()) == PIECES * PIECE
        async with client.head("/") as answer:
            assert (answer.status, await answer.read()) == (200, b"")


def speaks_http2() -> bool:
    curl = shutil.which("curl")
    return (
        bool(curl)
        and "HTTP2" in subprocess.run([curl, "-V"], check=True, capture_output=True, text=True).stdout
    )


@pytest.mark.skipif(not speaks_http2(), reason="needs a curl with HTTP/2")
async def test_a_body_whose_length_http_2_does_not_announce_arrives(front: HttpServer, town: Town) -> None:
    curl = await asyncio.create_subprocess_exec(
        *("curl", "-s", "--http2-prior-knowledge", "-T", "-", f"{front.url}/"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await asyncio.wait_for(curl.communicate(b"as it comes"), 60)
    assert said.decode() == hashlib.sha256(b"as it comes").hexdigest()
    assert town.bodies == [b"as it comes"]


async def test_half_a_body_ends_the_request_inside(front: HttpServer, town: Town) -> None:
    answer = await ask(front, "POST / HTTP/1.1\nHost: town\nContent-Length: 1000", b"half")
    assert b"200 OK" not in answer
    async with asyncio.timeout(60), aiohttp.ClientSession(front.url) as client:
        async with client.post("/", data=b"next") as next_answer:
            assert next_answer.status == 200
    assert town.bodies[-1] == b"next"


async def test_close_codes_pass_both_ways(front: HttpServer, town: Town) -> None:
    async with aiohttp.ClientSession(front.url) as client:
        async with client.ws_connect("/live") as live:
            await live.send_str("hello")
            assert await live.receive_str() == "heard hello"
            await live.send_str("close")
            await live.receive()
            assert live.close_code == 4409
        async with client.ws_connect("/live") as live:
            await live.close(code=4001)
        live = await client.ws_connect("/live")
        live._response.connection.transport.abort()  # type: ignore[union-attr]
        async with asyncio.timeout(60):
            while len(town.codes) < 2:
                await asyncio.sleep(0.01)
    assert town.codes == [4001, 1001]


async def test_nobody_inside_is_503_and_told_to_come_again() -> None:
    passing = ReverseProxy(UpstreamAddress("", url=f"http://127.0.0.1:{free_port()}"))
    async with served(passing) as server:
        async with aiohttp.ClientSession(server.url) as client, client.post("/", data=b"x" * 9) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
            assert "does not answer" in await answer.text()
        await passing.close()


async def test_a_request_into_a_connection_that_closes_is_answered() -> None:
    """A kept connection that the other side closes as the next request comes."""

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(3)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await reader.read(1)  # the next request
        writer.transport.abort()

    listening = await asyncio.start_server(answer_once, "127.0.0.1", 0)
    passing = ReverseProxy(
        UpstreamAddress.at_url(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
    )
    async with served(passing) as server, aiohttp.ClientSession(server.url) as client:
        async with asyncio.timeout(60):
            statuses = []
            for _ in range(2):
                async with client.put("/", data=b"abc") as answer:
                    statuses.append(answer.status)
        await passing.close()
    listening.close()
    assert statuses[0] == 200
    assert statuses[1] in (200, 503)


async def test_a_leader_whose_address_leads_back_here_is_503_and_no_circle() -> None:
    port = free_port()
    passing = ReverseProxy(UpstreamAddress.at_url(f"http://127.0.0.1:{port}"))
    server = HttpServer(passing, ServerSettings(port=port))
    await server.start()
    async with asyncio.timeout(60), aiohttp.ClientSession(server.url) as client, client.get("/") as answer:
        assert answer.status == 503
        assert "inside_url" in await answer.text()
    await passing.close()
    await server.stop()
