"""Forwards requests and WebSockets, unchanged, to the process that runs the city.

Bodies are streamed both ways. `X-Forwarded-For` has the client's address; `trust_proxies` accepts it with the secret.
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
"""Fields that are forwarded even where `Connection` names them."""
BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
OF_HANDSHAKE = b"sec-websocket-"
CHUNK_BYTES = 65_536
CONNECT_S = 5.0
LARGEST_MESSAGE = 16 * 1024 * 1024
GOING_AWAY = 1001
NEVER_SENT = frozenset({1005, 1006, 1015})
"""Close codes that are never sent (RFC 6455, clause 7.4.1)."""


class ReverseProxy:
    """An ASGI application that forwards everything."""

    def __init__(self, upstream: UpstreamAddress) -> None:
        self._upstream = upstream
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward one request or WebSocket."""
        secret = header(scope, SECRET)
        if secret and hmac.compare_digest(secret, self._upstream.secret.encode()):
            await _reject_loop(scope, send)
        elif scope["type"] == "http":
            await self._forward_request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._forward_websocket(scope, receive, send)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def _forward_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False
        try:
            async with self._open().request(
                scope["method"],
                _address(self._upstream.url, scope),
                headers=self._headers(scope),
                data=_body(receive) if _has_body(scope) else None,
                allow_redirects=False,
                skip_auto_headers=("user-agent", "content-type", "accept", "accept-encoding"),
            ) as answer:
                fields = _end_to_end([(name.lower(), value) for name, value in answer.raw_headers])
                await send({"type": "http.response.start", "status": answer.status, "headers": fields})
                begun = True
                async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except (aiohttp.ClientError, OSError, TimeoutError):
            if begun:
                raise  # the server closes the connection, so that the client sees that the response is incomplete
            await _reply_unavailable(send, "the city's own process does not answer")

    async def _forward_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # the browser's request to connect
        try:
            inner = await self._open().ws_connect(
                _address(self._upstream.url, scope),
                headers=self._headers(scope),
                max_msg_size=LARGEST_MESSAGE,
                compress=0,
                autoclose=False,
            )
        except (aiohttp.ClientError, OSError, TimeoutError):
            await send({"type": "websocket.close", "code": GOING_AWAY})
            return
        await send({"type": "websocket.accept"})
        inward = asyncio.create_task(_forward_to_upstream(receive, inner))
        outward = asyncio.create_task(_forward_to_client(inner, send))
        code = GOING_AWAY
        try:
            await asyncio.wait((inward, outward), return_when=asyncio.FIRST_COMPLETED)
        finally:
            # The receiving task must have ended before the browser is disconnected: the server would wait for it.
            outward.cancel()
            inward.cancel()
            code_or_error, _ = await asyncio.gather(inward, outward, return_exceptions=True)
            if isinstance(code_or_error, int):
                code = _sendable(code_or_error)
            else:
                with contextlib.suppress(RuntimeError, OSError):  # the browser may have disconnected first
                    await send({"type": "websocket.close", "code": _sendable(inner.close_code)})
            await inner.close(code=code)

    def _headers(self, scope: Scope) -> CIMultiDict[str]:
        fields: CIMultiDict[str] = CIMultiDict()
        for name, value in _end_to_end(scope["headers"]):
            if name != SECRET and not name.startswith(OF_HANDSHAKE):
                fields.add(name.decode("latin-1"), value.decode("latin-1"))
        if scope.get("client"):
            fields.add(FORWARDED.decode(), scope["client"][0])
        fields.add(SECRET.decode(), self._upstream.secret)
        return fields

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=self._upstream.connector(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session


def trust_proxies(application: Application, upstream: UpstreamAddress) -> Application:
    """Return an application that sees the client's own address behind the readers that know the secret."""
    secret = upstream.secret.encode()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if hmac.compare_digest(header(scope, SECRET), secret):
            clients = [value for name, value in scope["headers"] if name == FORWARDED]
            # Only the last address was written by a reader; the client may have sent others.
            client = clients[-1].rpartition(b",")[2].strip().decode("latin-1") if clients else ""
            scope["client"] = (client, 0) if client else None
        await application(scope, receive, send)

    return answer


def _address(url: str, scope: Scope) -> URL:
    query = scope.get("query_string", b"").decode("latin-1")
    path = scope.get("raw_path") or scope["path"].encode()
    return URL(f"{url}{path.decode('latin-1')}{'?' if query else ''}{query}", encoded=True)


def _end_to_end(fields: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the header fields without the hop-by-hop ones, and without a second length of the body."""
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


async def _reject_loop(scope: Scope, send: Send) -> None:
    """Reject a forwarded request that came back here: the leader's address is that of another process."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": GOING_AWAY})
    else:
        await _reply_unavailable(
            send, "the leader's address is that of another process: set server.inside_url of the leader"
        )


def _sendable(code: int | None) -> int:
    return code if code and code not in NEVER_SENT else GOING_AWAY


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client disconnected")
        if message.get("body"):
            yield message["body"]
        more = message.get("more_body", False)


async def _forward_to_upstream(receive: Receive, inner: aiohttp.ClientWebSocketResponse) -> int:
    """Forward messages until the browser disconnects, and return its close code, 0 for none."""
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return message.get("code") or 0
        with contextlib.suppress(ConnectionError):
            if message.get("text") is not None:
                await inner.send_str(message["text"])
            else:
                await inner.send_bytes(message["bytes"])


async def _forward_to_client(inner: aiohttp.ClientWebSocketResponse, send: Send) -> None:
    """Forward messages until the upstream closes."""
    while True:
        message: Any = await inner.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            await send({"type": "websocket.send", "text": message.data})
        elif message.type is aiohttp.WSMsgType.BINARY:
            await send({"type": "websocket.send", "bytes": message.data})
        else:
            return
