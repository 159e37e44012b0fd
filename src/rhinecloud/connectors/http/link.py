"""Polls an HTTP source, and passes on only new bodies.

The validators of the last response (ETag, Last-Modified) are sent, but only once everything in it is stored, so that it
is fetched again otherwise. Responses without validators are compared by digest.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson
from yarl import URL

from rhinecloud import __version__
from rhinecloud.connectors.bounded import gunzip
from rhinecloud.connectors.http.dates import fill_dates
from rhinecloud.connectors.http.linked import FindLinked, LinkedDocuments, put_and_wait, without_secrets
from rhinecloud.connectors.http.oauth import AccessToken
from rhinecloud.connectors.mapping.lookup import MessagePath
from rhinecloud.connectors.model import LinkBroken
from rhinecloud.connectors.port import Inlet
from rhinecloud.kernel.time import Clock
from rhinecloud.pack.codec import DecodeError, Parcel

CHUNK = 64 * 1024
FORM = "application/x-www-form-urlencoded"
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
    body: str = ""
    """The body of the request, which is a POST then."""
    zone: tzinfo = UTC
    """The zone of dates in `url` and `body`."""
    next_page: MessagePath | None = None
    """Where a JSON answer has the URL of its next page."""
    most_pages: int = 100


@dataclass(frozen=True, slots=True)
class HttpPage:
    """An answer, or a page of it: `body` is None where nothing is new, `next_url` is '' for the last page."""

    body: bytes | None
    validators: Mapping[str, str]
    next_url: str = ""


class HttpLink:
    """Polls one source; `random` returns numbers from 0 to below 1 for the jitter of the interval."""

    def __init__(
        self,
        source: HttpSource,
        clock: Clock,
        random: Callable[[], float],
        token: AccessToken | None = None,
    ) -> None:
        self._source = source
        self._clock = clock
        self._random = random
        self._token = token
        self._asked = ("", "")
        self._validators: Mapping[str, str] = {}
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
        now = self._clock()
        asked = tuple(
            fill_dates(text, now, self._source.zone) for text in (self._source.url, self._source.body)
        )
        if asked != self._asked:  # what was kept belongs to another address
            self._asked, self._validators, self._digest = (asked[0], asked[1]), {}, b""
        pages = [await self._request(session, asked[0], self._validators)]
        inlet.connected()
        if pages[0].body is None:
            inlet.touch()
            return
        while pages[-1].next_url and len(pages) < self._source.most_pages:
            pages.append(await self._request(session, pages[-1].next_url, {}))
            if sum(len(page.body or b"") for page in pages) > self._source.body_bytes:
                raise LinkBroken(f"the pages are larger than {self._source.body_bytes} bytes")
        await self._hand_over(pages, inlet, session)
        if pages[-1].next_url:
            raise LinkBroken(f"the answer has more than {len(pages)} pages; `pages` sets how many are read")

    async def _request(
        self, session: aiohttp.ClientSession, url: str, validators: Mapping[str, str], *, again: bool = False
    ) -> HttpPage:
        """Return a page; raise LinkBroken. A token that is refused is renewed once."""
        headers = dict(validators)
        if self._token is not None:
            headers["Authorization"] = f"Bearer {await self._token.get(session)}"
        body = self._asked[1].encode() or None
        if body is not None and "content-type" not in {name.lower() for name in self._source.headers}:
            headers["Content-Type"] = "application/json" if body[:1] in b"{[" else FORM
        try:
            async with session.request(
                "GET" if body is None else "POST",
                url,
                data=body,
                headers=headers,
                allow_redirects=self._source.redirects,
                max_redirects=MOST_REDIRECTS,
            ) as answer:
                refused = answer.status == 401 and self._token is not None and not again
                if not refused:
                    found = await self._read(answer)
                    return HttpPage(found, _validators(answer), self._next_url(answer, found))
        except TimeoutError:
            raise LinkBroken(f"no whole answer within {self._source.timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise LinkBroken(f"the request failed: {error or type(error).__name__}") from None
        if self._token is not None:
            self._token.forget()
        return await self._request(session, url, validators, again=True)

    def _next_url(self, answer: aiohttp.ClientResponse, body: bytes | None) -> str:
        """Return the URL of the next page (`Link: rel="next"`, RFC 8288, or a member), '' where there is none.

        Raise LinkBroken where it is on another server, which must not get the secrets of this one.
        """
        header = answer.links.get("next")
        link: Any = header.get("url") if header is not None else None
        if link is None and self._source.next_page is not None and body is not None:
            link = self._source.next_page.find(_json(body, self._source.body_bytes))
        if not link:
            return ""
        url = answer.url.join(URL(str(link)))
        if url.origin() != answer.url.origin():
            raise LinkBroken(f"the next page must be on the same server, not on {url.host}")
        return "" if url == answer.url else str(url)

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
        self, pages: Sequence[HttpPage], inlet: Inlet, session: aiohttp.ClientSession
    ) -> None:
        bodies = [page.body or b"" for page in pages]
        digest = hashlib.sha256(b"\0".join(bodies)).digest()
        if digest == self._digest:
            inlet.touch()
            return
        try:
            unpacked = [gunzip(body, self._source.body_bytes) for body in bodies]
        except DecodeError as error:
            raise LinkBroken(f"the answer cannot be unpacked: {error}") from None
        for body in unpacked:
            await put_and_wait(Parcel(body, self._clock(), origin=self._origin), inlet)
        if self._source.linked is not None:
            urls = [url for body in unpacked for url in self._source.linked(body, self._asked[0])]
            await self._linked.fetch(urls, session, inlet, self._clock)
        self._digest = digest
        self._validators = pages[0].validators if len(pages) == 1 else {}

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


def _json(body: bytes, most_bytes: int) -> Any:
    try:
        return orjson.loads(gunzip(body, most_bytes))
    except (orjson.JSONDecodeError, DecodeError):
        return None  # the feed's codec tells what is wrong with it


def _aware(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _validators(answer: aiohttp.ClientResponse) -> dict[str, str]:
    found = {}
    if "ETag" in answer.headers:
        found["If-None-Match"] = answer.headers["ETag"]
    if "Last-Modified" in answer.headers:
        found["If-Modified-Since"] = answer.headers["Last-Modified"]
    return found
