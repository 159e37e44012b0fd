"""Polls an HTTP source, and passes on only new bodies.

The validators of the last response (ETag, Last-Modified) are sent, but only once everything in it is stored, so that it
is fetched again otherwise. Responses without validators are compared by digest.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from rhinecloud import __version__
from rhinecloud.connectors.bounded import gunzip
from rhinecloud.connectors.http.linked import FindLinked, LinkedDocuments, put_and_wait, without_secrets
from rhinecloud.connectors.model import LinkBroken
from rhinecloud.connectors.port import Inlet
from rhinecloud.kernel.time import Clock
from rhinecloud.pack.codec import DecodeError, Parcel

CHUNK = 64 * 1024
JITTER = 0.1
MOST_REDIRECTS = 5
LONGEST_RETRY_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True)
class HttpSource:
    """The URL, the interval, and the limits: seconds, and bytes of the largest body.

    `redirects` says whether to follow them; headers with a key must not be sent to another server.
    """

    url: str
    interval_s: float
    timeout_s: float
    connect_timeout_s: float
    body_bytes: int
    headers: Mapping[str, str] = field(default_factory=dict)
    redirects: bool = True
    tls: ssl.SSLContext | None = None
    linked: FindLinked | None = None
    """Finds the addresses of the documents that belong to an answer, each of which is fetched once."""


class HttpLink:
    """Polls one source; `random` returns numbers from 0 to below 1 for the jitter of the interval."""

    def __init__(self, source: HttpSource, clock: Clock, random: Callable[[], float]) -> None:
        self._source = source
        self._clock = clock
        self._random = random
        self._validators: dict[str, str] = {}
        self._digest = b""
        self._origin = without_secrets(source.url)
        self._linked = LinkedDocuments(source.url, source.body_bytes, source.timeout_s)

    async def run(self, inlet: Inlet) -> None:
        """Poll until a request fails; raise LinkBroken with the status or the error of the connection."""
        source = self._source
        timeout = aiohttp.ClientTimeout(
            total=source.timeout_s, sock_connect=source.connect_timeout_s, connect=source.connect_timeout_s
        )
        connector = aiohttp.TCPConnector(limit=1, ssl=source.tls if source.tls is not None else True)
        headers = {"User-Agent": f"RhineCloud/{__version__}", **source.headers}
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as session:
            while True:
                await self._poll(session, inlet)
                await asyncio.sleep(source.interval_s * (1 + JITTER * (2 * self._random() - 1)))

    async def _poll(self, session: aiohttp.ClientSession, inlet: Inlet) -> None:
        try:
            async with session.get(
                self._source.url,
                headers=self._validators,
                allow_redirects=self._source.redirects,
                max_redirects=MOST_REDIRECTS,
            ) as answer:
                body = await self._read(answer)
                validators = _validators(answer)
        except TimeoutError:
            raise LinkBroken(f"no whole answer within {self._source.timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise LinkBroken(f"the request failed: {error or type(error).__name__}") from None
        inlet.connected()
        if body is None:
            inlet.touch()
            return
        await self._hand_over(body, validators, inlet, session)

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes | None:
        """Return the body; None for 304 Not Modified and 204 No Content. Raise LinkBroken for errors, an empty body and
        beyond the limit."""
        if answer.status in (204, 304):
            return None
        if answer.status != 200:
            text = (await answer.content.read(300)).decode("utf-8", "replace").strip()
            raise LinkBroken(
                f"HTTP {answer.status} {answer.reason}: {text}", retry_after_s=self._pause(answer)
            )
        chunks = []
        size = 0
        async for chunk in answer.content.iter_chunked(CHUNK):
            size += len(chunk)
            if size > self._source.body_bytes:
                raise LinkBroken(f"the answer is larger than {self._source.body_bytes} bytes")
            chunks.append(chunk)
        if not size:
            raise LinkBroken(f"HTTP {answer.status} {answer.reason}: the body is empty (0 bytes)")
        return b"".join(chunks)

    async def _hand_over(
        self, body: bytes, validators: dict[str, str], inlet: Inlet, session: aiohttp.ClientSession
    ) -> None:
        digest = hashlib.sha256(body).digest()
        if digest == self._digest:
            inlet.touch()
            return
        try:
            unpacked = gunzip(body, self._source.body_bytes)
        except DecodeError as error:
            raise LinkBroken(f"the answer cannot be unpacked: {error}") from None

        await put_and_wait(Parcel(unpacked, self._clock(), origin=self._origin), inlet)
        if self._source.linked is not None:
            urls = self._source.linked(unpacked, self._source.url)
            await self._linked.fetch(urls, session, inlet, self._clock)
        self._validators, self._digest = validators, digest

    def _pause(self, answer: aiohttp.ClientResponse) -> float:
        """Return the pause of Retry-After: seconds or a date (RFC 9110, clause 10.2.3)."""
        text = answer.headers.get("Retry-After", "").strip()
        if text.isdecimal():
            return min(float(text), LONGEST_RETRY_AFTER_S)
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError):
            return 0.0
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return min(max((moment - _aware(self._clock())).total_seconds(), 0.0), LONGEST_RETRY_AFTER_S)


def _aware(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _validators(answer: aiohttp.ClientResponse) -> dict[str, str]:
    found = {}
    if "ETag" in answer.headers:
        found["If-None-Match"] = answer.headers["ETag"]
    if "Last-Modified" in answer.headers:
        found["If-Modified-Since"] = answer.headers["Last-Modified"]
    return found
