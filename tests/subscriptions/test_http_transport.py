"""The sender of notifications over HTTP, against receivers that answer in all ways of HTTP/1.1, and worse."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import uvloop

from broker.subscribing import READING, document
from rhinecloud.subscriptions.model import KeyValuePair
from rhinecloud.subscriptions.parsing.subscription import parse_subscription
from rhinecloud.subscriptions.settings import NotificationSettings
from rhinecloud.subscriptions.transports.http import pool
from rhinecloud.subscriptions.transports.http.connection import LARGEST_ANSWER
from rhinecloud.subscriptions.transports.http.transport import HttpTransport
from rhinecloud.subscriptions.transports.port import NotDelivered

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
pytestmark = pytest.mark.filterwarnings("ignore:Overriding the")
SETTINGS = NotificationSettings(timeout_s=1.0, connections=4)

Play = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class ScriptedReceiver:
    """A receiver that answers by a script: bytes are sent as they are, `None` closes the connection."""

    parts: list[bytes | Play | None] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    most_open: int = 0
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
                self.heads.append(head)
                self.bodies.append(await reader.readexactly(length))
                part = self.parts.pop(0) if self.parts else NO_CONTENT
                if part is None:
                    return
                if isinstance(part, bytes):
                    writer.write(part)
                else:
                    await part(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def open_scripted(
    *parts: bytes | Play | None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ScriptedReceiver]:
    receiver = ScriptedReceiver(list(parts))
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


@pytest.fixture(params=[asyncio.DefaultEventLoopPolicy, uvloop.EventLoopPolicy], ids=["asyncio", "uvloop"])
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    """Run each test on either loop: they are not alike where protocols and transports meet."""
    policy: asyncio.AbstractEventLoopPolicy = request.param()
    return policy


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    opened = HttpTransport(SETTINGS, allow_private=True)
    yield opened
    await opened.close()


def sender(
    transport: HttpTransport, uri: str, *info: KeyValuePair, **members: Any
) -> Callable[[bytes], asyncio.Future[None]]:
    notification = {"endpoint": {"uri": uri, **members}}
    subscription = parse_subscription(
        document(notification=notification), READING, lambda: "urn:ngsi-ld:Subscription:1"
    )
    subscription.notification.endpoint.receiver_info = list(info)
    send = transport.sender_for(subscription, "<https://x.example/c>")

    def post(body: bytes) -> asyncio.Future[None]:
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def on_result(error: NotDelivered | None) -> None:
            outcome.set_result(None) if error is None else outcome.set_exception(error)

        sending = send(body, on_result)
        outcome.add_done_callback(lambda _: sending.cancel() if outcome.cancelled() else None)
        return outcome

    return post


GOOD = {
    "an empty answer": NO_CONTENT,
    "a length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "chunks": b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "an announcement first": b"HTTP/1.1 100 Continue\r\n\r\n" + NO_CONTENT,
    "early hints": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + NO_CONTENT,
}


@pytest.mark.parametrize("answer", GOOD.values(), ids=GOOD.keys())
async def test_answers_in_full_keep_the_connection(transport: HttpTransport, answer: bytes) -> None:
    async with open_scripted(*[answer] * 5) as receiver:
        send = sender(transport, f"http://127.0.0.1:{receiver.port}/x")
        for number in range(5):
            await send(b"%d" % number)
        assert (receiver.connections, receiver.bodies) == (1, [b"0", b"1", b"2", b"3", b"4"])


async def test_an_answer_like_the_last_one_counts_and_another_one_is_read(transport: HttpTransport) -> None:
    busy = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    parts = [NO_CONTENT, NO_CONTENT, busy, busy, GOOD["chunks"], GOOD["chunks"], NO_CONTENT]
    async with open_scripted(*parts) as receiver:
        send = sender(transport, f"http://127.0.0.1:{receiver.port}/")
        outcomes: list[object] = []
        for number in range(len(parts)):
            outcomes += await asyncio.gather(send(b"%d" % number), return_exceptions=True)
        assert [str(each) for each in outcomes] == ["None"] * 2 + ["HTTP 503"] * 2 + ["None"] * 3
        assert receiver.connections == 1


async def test_what_follows_an_answer_unasked_is_not_taken_for_the_next_ones(
    transport: HttpTransport,
) -> None:
    refusal = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    async with open_scripted(*[NO_CONTENT + refusal] * 2) as receiver:
        send = sender(transport, f"http://127.0.0.1:{receiver.port}/")
        for number in range(3):
            await send(b"%d" % number)
        assert (receiver.bodies, receiver.connections) == ([b"0", b"1", b"2"], 3)


async def test_an_answer_in_pieces_is_put_together(transport: HttpTransport) -> None:
    async def slowly(writer: asyncio.StreamWriter) -> None:
        for sign in b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok":
            writer.write(bytes([sign]))
            await asyncio.sleep(0)

    async with open_scripted(slowly, slowly) as receiver:
        send = sender(transport, f"http://127.0.0.1:{receiver.port}/")
        await send(b"1")
        await send(b"2")
        assert receiver.connections == 1


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", b"HTTP/1.0 200 OK\r\n\r\nhello"]
)
async def test_an_answer_without_a_length_ends_with_the_connection(
    transport: HttpTransport, answer: bytes
) -> None:
    async def say_and_go(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    async with open_scripted(say_and_go, say_and_go) as receiver:
        send = sender(transport, f"http://127.0.0.1:{receiver.port}/")
        await send(b"1")
        await send(b"2")
        assert receiver.connections == 2


BAD = {
    "a refusal": (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", True),
    "too much": (b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", False),
    "a failure": (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", False),
    "a redirect": (
        b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        False,
    ),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n", False),
    "another protocol": (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", False),
    "an endless head": (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * LARGEST_ANSWER, False),
    "half a head": (b"HTTP/1.1 200 OK\r\nConte", False),
    "silence": (b"", False),
}


@pytest.mark.parametrize(("answer", "refused"), BAD.values(), ids=BAD.keys())
async def test_anything_else_is_not_delivered(transport: HttpTransport, answer: bytes, refused: bool) -> None:
    async with open_scripted(answer) as receiver:
        send = sender(transport, f"http://127.0.0.1:{receiver.port}/", timeout=200)
        with pytest.raises(NotDelivered) as found:
            await send(b"1")
        assert found.value.refused is refused
        await send(b"2")  # nothing of the bad answer is taken for this one's
        assert receiver.bodies == [b"1", b"2"]


async def test_a_lost_connection_is_reported(transport: HttpTransport) -> None:
    async with open_scripted(None) as receiver:
        with pytest.raises(NotDelivered, match="lost"):
            await sender(transport, f"http://127.0.0.1:{receiver.port}/")(b"1")
    with pytest.raises(NotDelivered, match="Connection"):
        await sender(transport, f"http://127.0.0.1:{receiver.port}/")(b"2")


async def test_a_kept_connection_that_was_closed_meanwhile_is_no_failure(
    transport: HttpTransport,
) -> None:
    async with open_scripted(NO_CONTENT, None) as receiver:
        send = sender(transport, f"http://127.0.0.1:{receiver.port}/")
        await send(b"1")
        await send(b"2")
        assert receiver.bodies == [b"1", b"2", b"2"]
        assert receiver.connections == 2


async def test_after_an_endless_answer_the_connection_is_closed_and_its_status_counts(
    transport: HttpTransport,
) -> None:
    async with open_scripted(
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b"x" * 200_000
    ) as receiver:
        send = sender(transport, f"http://127.0.0.1:{receiver.port}/")
        await send(b"1")
        await send(b"2")
        assert receiver.connections == 2


async def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_ones(transport: HttpTransport) -> None:
    async def late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.8)
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    async with open_scripted(late) as receiver:
        send = sender(transport, f"http://127.0.0.1:{receiver.port}/", timeout=400)
        with pytest.raises(NotDelivered, match="in time"):
            await send(b"1")
        await send(b"2")
        assert receiver.connections == 2


async def test_one_receiver_gets_so_many_connections_and_no_more(transport: HttpTransport) -> None:
    async def think(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        writer.write(NO_CONTENT)

    async with open_scripted(*[think] * 40) as receiver:
        sends = [sender(transport, f"http://127.0.0.1:{receiver.port}/{number}") for number in range(40)]
        await asyncio.gather(*[send(b"x") for send in sends])
        assert (len(receiver.bodies), receiver.most_open) == (40, SETTINGS.connections)


async def test_an_idle_connection_is_closed(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "IDLE_S", 0.05)
    async with open_scripted() as receiver:
        send = sender(transport, f"http://127.0.0.1:{receiver.port}/")
        await send(b"1")
        assert receiver.open == 1
        async with asyncio.timeout(60):
            while receiver.open:
                await asyncio.sleep(0.01)
        await send(b"2")
        assert (receiver.bodies, receiver.connections) == ([b"1", b"2"], 2)


async def test_a_cancelled_notification_leaves_no_connection_in_use(transport: HttpTransport) -> None:
    async with open_scripted(b"") as receiver:
        send = sender(transport, f"http://127.0.0.1:{receiver.port}/")
        sending = send(b"1")
        while not receiver.bodies:
            await asyncio.sleep(0.005)
        sending.cancel()
        await send(b"2")
        assert receiver.connections == 2


async def test_one_that_is_cancelled_while_it_is_sent_delays_no_other(transport: HttpTransport) -> None:
    async with open_scripted() as receiver:
        send = sender(transport, f"http://127.0.0.1:{receiver.port}/")
        await asyncio.gather(send(b"1"), send(b"2"))
        sending, other = send(b"3"), send(b"4")
        sending.cancel()
        await other
        await send(b"5")
        assert {b"4", b"5"} <= set(receiver.bodies)


async def test_headers_are_the_subscribers_but_for_those_that_frame_the_message(
    transport: HttpTransport,
) -> None:
    info = (
        KeyValuePair("content-type", "application/x"),
        KeyValuePair("X-Room", "Ruhrort Süd"),
        KeyValuePair("Content-Length", "0"),
        KeyValuePair("Transfer-Encoding", "chunked"),
    )
    async with open_scripted() as receiver:
        uri = f"http://us%40er:p%3Aw@127.0.0.1:{receiver.port}/a b/ä".replace(" ", "%20") + "?q=ü&r=1#part"
        await sender(transport, uri, *info)(b"body")
        lines = receiver.heads[0].split("\r\n")
        assert lines[0] == "POST /a%20b/%C3%A4?q=%C3%BC&r=1 HTTP/1.1"
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        assert fields["host"] == f"127.0.0.1:{receiver.port}"
        assert b64decode(fields["authorization"].removeprefix("Basic ")) == b"us@er:p:w"
        assert (fields["content-type"], fields["x-room"]) == ("application/x", "Ruhrort Süd")
        assert (fields["content-length"], fields["link"]) == ("4", "<https://x.example/c>")
        assert "transfer-encoding" not in fields
        assert receiver.heads[0].lower().count("content-") == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0", "127.1", "2130706433"])
async def test_private_addresses_are_rejected_after_names_are_resolved(host: str) -> None:
    closed = HttpTransport(SETTINGS, allow_private=False)
    async with open_scripted() as receiver:
        with pytest.raises(NotDelivered, match="private"):
            await sender(closed, f"http://{host}:{receiver.port}/")(b"1")
        assert receiver.connections == 0
    await closed.close()


@pytest.mark.parametrize("host", ["nobody.invalid", "a..b", f"{'x' * 64}.example"])
async def test_a_name_that_cannot_be_resolved_is_not_delivered(transport: HttpTransport, host: str) -> None:
    with pytest.raises(NotDelivered):
        await sender(transport, f"http://{host}:9/", timeout=500)(b"1")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
async def test_https_verifies_the_receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = tmp_path / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", tmp_path / "key.pem", "-out", certificate, "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, tmp_path / "key.pem")
    strange, known = (HttpTransport(replace(SETTINGS, timeout_s=5.0), allow_private=True) for _ in range(2))
    async with open_scripted(tls=context) as receiver:
        with pytest.raises(NotDelivered, match="CERTIFICATE_VERIFY_FAILED"):
            await sender(strange, f"https://localhost:{receiver.port}/")(b"1")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        send = sender(known, f"https://localhost:{receiver.port}/")
        await send(b"2")
        await send(b"3")
        with pytest.raises(NotDelivered, match="CERTIFICATE_VERIFY_FAILED"):
            await sender(known, f"https://127.0.0.1:{receiver.port}/")(b"4")
        assert (receiver.bodies, receiver.connections) == ([b"2", b"3"], 1)
    await strange.close()
    await known.close()
