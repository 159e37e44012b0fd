"""Passes requests and WebSockets on, unchanged, to the process that runs the city.

Bodies stream both ways; who asked stands in `X-Forwarded-For`, which `from_readers` believes those who know the secret.
Source: RFC 9110, clause 7.6.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import orjson
from multidict import CIMultiDict
from yarl import URL

from rhinecloud.app.asgi import Application, Receive, Scope, Send, header, reply
from rhinecloud.app.problem import MEDIA_TYPE, Problems
from rhinecloud.app.readers.upstream import UpstreamAddress
from rhinecloud.kernel.errors import Unavailable

FORWARDED = b"x-forwarded-for"
SECRET = b"x-rhinecloud-inside"
LENGTH = b"content-length"
HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
FRAMING = frozenset({LENGTH, b"host"})
"""What `Connection` may name as often as it likes: it stays."""
BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
OF_HANDSHAKE = b"sec-websocket-"
PIECE = 65_536
CONNECT_S = 5.0
LARGEST_MESSAGE = 16 * 1024 * 1024
GOING_AWAY = 1001
NEVER_SENT = frozenset({1005, 1006, 1015})
"""Close codes that say what was seen at one end; none may be sent (RFC 6455, clause 7.4.1)."""


class ReverseProxy:
    """An ASGI application that passes everything on."""

    def __init__(self, inside: UpstreamAddress) -> None:
        self._inside = inside
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on one request or WebSocket."""
        brought = header(scope, SECRET)
        if brought and hmac.compare_digest(brought, self._inside.secret.encode()):
            await _refuse_round_trip(scope, send)
        elif scope["type"] == "http":
            await self._pass_request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._pass_websocket(scope, receive, send)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def _pass_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False
        try:
            async with self._open().request(
                scope["method"],
                _address(self._inside.url, scope),
                headers=self._headers(scope),
                data=_body(receive) if _has_body(scope) else None,
                allow_redirects=False,
                skip_auto_headers=("user-agent", "content-type", "accept", "accept-encoding"),
            ) as answer:
                fields = _end_to_end([(name.lower(), value) for name, value in answer.raw_headers])
                await send({"type": "http.response.start", "status": answer.status, "headers": fields})
                begun = True
                async for piece in answer.content.iter_chunked(PIECE):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except (aiohttp.ClientError, OSError, TimeoutError):
            if begun:
                raise  # the server cuts the connection, so that half an answer is not taken for a whole one
            await _reply_unavailable(send, "the city's own process does not answer")

    async def _pass_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # the browser's wish to connect
        try:
            inner = await self._open().ws_connect(
                _address(self._inside.url, scope),
                headers=self._headers(scope),
                max_msg_size=LARGEST_MESSAGE,
                compress=0,
                autoclose=False,
            )
        except (aiohttp.ClientError, OSError, TimeoutError):
            await send({"type": "websocket.close", "code": GOING_AWAY})
            return
        await send({"type": "websocket.accept"})
        inward = asyncio.create_task(_pass_inward(receive, inner))
        outward = asyncio.create_task(_pass_outward(inner, send))
        code = GOING_AWAY
        try:
            await asyncio.wait((inward, outward), return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Nobody may be listening to the browser when it is sent away: the server would wait for its next word.
            outward.cancel()
            inward.cancel()
            said, _ = await asyncio.gather(inward, outward, return_exceptions=True)
            if isinstance(said, int):
                code = _sendable(said)
            else:
                with contextlib.suppress(RuntimeError, OSError):  # the browser may have gone first
                    await send({"type": "websocket.close", "code": _sendable(inner.close_code)})
            await inner.close(code=code)

    def _headers(self, scope: Scope) -> CIMultiDict[str]:
        fields: CIMultiDict[str] = CIMultiDict()
        for name, value in _end_to_end(scope["headers"]):
            if name != SECRET and not name.startswith(OF_HANDSHAKE):
                fields.add(name.decode("latin-1"), value.decode("latin-1"))
        if scope.get("client"):
            fields.add(FORWARDED.decode(), scope["client"][0])
        fields.add(SECRET.decode(), self._inside.secret)
        return fields

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=self._inside.connector(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session


def from_readers(application: Application, inside: UpstreamAddress) -> Application:
    """Let an application behind readers see who asked, as if it had been asked directly."""
    secret = inside.secret.encode()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if hmac.compare_digest(header(scope, SECRET), secret):
            askers = [value for name, value in scope["headers"] if name == FORWARDED]
            # Whatever stands before the last one was said by the asker.
            asker = askers[-1].rpartition(b",")[2].strip().decode("latin-1") if askers else ""
            scope["client"] = (asker, 0) if asker else None
        await application(scope, receive, send)

    return answer


def _address(url: str, scope: Scope) -> URL:
    query = scope.get("query_string", b"").decode("latin-1")
    path = scope.get("raw_path") or scope["path"].encode()
    return URL(f"{url}{path.decode('latin-1')}{'?' if query else ''}{query}", encoded=True)


def _end_to_end(fields: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Leave out what was meant for this connection alone, and any second word on how long the body is."""
    named = {
        name.strip().lower() for key, value in fields if key == b"connection" for name in value.split(b",")
    }
    left_out = HOP_BY_HOP | (named - FRAMING)
    lengths, kept = any(key == b"transfer-encoding" for key, _ in fields), []
    for key, value in fields:
        if key in left_out or (key == LENGTH and lengths):
            continue
        lengths = lengths or key == LENGTH
        kept.append((key, value))
    return kept


def _has_body(scope: Scope) -> bool:
    length = header(scope, LENGTH)
    if scope.get("http_version", "1.1")[0] != "1" and not length:
        return scope["method"] not in BODILESS  # HTTP/2 and later frame bodies without announcing them
    return bool(header(scope, b"transfer-encoding")) or length not in (b"", b"0")


async def _reply_unavailable(send: Send, why: str) -> None:
    document = Problems().of(Unavailable(why))
    fields = [(b"content-type", MEDIA_TYPE.encode()), (b"retry-after", b"1")]
    await reply(send, document["status"], orjson.dumps(document), fields)


async def _refuse_round_trip(scope: Scope, send: Send) -> None:
    """Answer what was passed on and came here again: the leader gave an address that is another process's."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": GOING_AWAY})
    else:
        await _reply_unavailable(send, "the leader's address leads elsewhere: set server.inside_url there")


def _sendable(code: int | None) -> int:
    return code if code and code not in NEVER_SENT else GOING_AWAY


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the caller went away")
        if message.get("body"):
            yield message["body"]
        more = message.get("more_body", False)


async def _pass_inward(receive: Receive, inner: aiohttp.ClientWebSocketResponse) -> int:
    """Pass on until the browser has gone; give its close code, 0 for none."""
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return message.get("code") or 0
        with contextlib.suppress(ConnectionError):
            if message.get("text") is not None:
                await inner.send_str(message["text"])
            else:
                await inner.send_bytes(message["bytes"])


async def _pass_outward(inner: aiohttp.ClientWebSocketResponse, send: Send) -> None:
    """Pass on until the inside closes."""
    while True:
        message: Any = await inner.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            await send({"type": "websocket.send", "text": message.data})
        elif message.type is aiohttp.WSMsgType.BINARY:
            await send({"type": "websocket.send", "bytes": message.data})
        else:
            return
