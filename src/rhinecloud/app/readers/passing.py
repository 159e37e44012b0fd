"""Passes requests and WebSockets on, unchanged, to the process that runs the city.

Bodies stream both ways; who asked stands in `X-Forwarded-For`, which `from_readers` believes those who know the secret.
Source: RFC 9110, clause 7.6.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
from multidict import CIMultiDict
from yarl import URL

from rhinecloud.app.asgi import Application, Receive, Scope, Send, header, reply
from rhinecloud.app.problem import MEDIA_TYPE, problem_of
from rhinecloud.app.readers.inside import Inside
from rhinecloud.kernel.errors import Unavailable

FORWARDED = b"x-forwarded-for"
SECRET = b"x-rhinecloud-inside"
HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
OF_HANDSHAKE = b"sec-websocket-"
PIECE = 65_536
CONNECT_S = 5.0
LARGEST_MESSAGE = 16 * 1024 * 1024
GOING_AWAY = 1001


class Passing:
    """An ASGI application that passes everything on."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on one request or WebSocket."""
        if scope["type"] == "http":
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
                fields = [
                    (name.lower(), value)
                    for name, value in answer.raw_headers
                    if name.lower() not in HOP_BY_HOP
                ]
                await send({"type": "http.response.start", "status": answer.status, "headers": fields})
                begun = True
                async for piece in answer.content.iter_chunked(PIECE):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except (aiohttp.ClientError, OSError, TimeoutError):
            if begun:
                raise  # the server cuts the connection, so that half an answer is not taken for a whole one
            document = problem_of(Unavailable("the city's own process does not answer"))
            fields = [(b"content-type", MEDIA_TYPE.encode()), (b"retry-after", b"1")]
            await reply(send, document["status"], orjson.dumps(document), fields)

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
        try:
            await _pass_outward(inner, send)
        finally:
            inward.cancel()
            await asyncio.gather(inward, return_exceptions=True)
            await inner.close()

    def _headers(self, scope: Scope) -> CIMultiDict[str]:
        fields: CIMultiDict[str] = CIMultiDict()
        for name, value in scope["headers"]:
            if name not in HOP_BY_HOP and name != SECRET and not name.startswith(OF_HANDSHAKE):
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


def from_readers(application: Application, inside: Inside) -> Application:
    """Let an application behind readers see who asked, as if it had been asked directly."""
    secret = inside.secret.encode()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if hmac.compare_digest(header(scope, SECRET), secret):
            asker = header(scope, FORWARDED).rpartition(b",")[2].strip().decode("latin-1")
            scope["client"] = (asker, 0) if asker else None
        await application(scope, receive, send)

    return answer


def _address(url: str, scope: Scope) -> URL:
    query = scope.get("query_string", b"").decode("latin-1")
    path = scope.get("raw_path") or scope["path"].encode()
    return URL(f"{url}{path.decode('latin-1')}{'?' if query else ''}{query}", encoded=True)


def _has_body(scope: Scope) -> bool:
    return bool(header(scope, b"transfer-encoding")) or header(scope, b"content-length") not in (b"", b"0")


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the caller went away")
        if message.get("body"):
            yield message["body"]
        more = message.get("more_body", False)


async def _pass_inward(receive: Receive, inner: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            await inner.close(code=message.get("code") or GOING_AWAY)
            return
        with contextlib.suppress(ConnectionError):
            if message.get("text") is not None:
                await inner.send_str(message["text"])
            else:
                await inner.send_bytes(message["bytes"])


async def _pass_outward(inner: aiohttp.ClientWebSocketResponse, send: Send) -> None:
    while True:
        message: Any = await inner.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            await send({"type": "websocket.send", "text": message.data})
        elif message.type is aiohttp.WSMsgType.BINARY:
            await send({"type": "websocket.send", "bytes": message.data})
        else:
            break
    with contextlib.suppress(RuntimeError, OSError):  # the browser may have gone first
        await send({"type": "websocket.close", "code": inner.close_code or GOING_AWAY})
