"""Where a command's questions go: to the running city by HTTP, or, where none runs, to its opened foundation.

Both speak the same routes, so a command does not know which one answers.
"""

from __future__ import annotations

import asyncio
import http.client
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import orjson

from rhinecloud.app.folder import Access, find_access
from rhinecloud.cli.call import call
from rhinecloud.cli.exits import error_of
from rhinecloud.kernel.errors import Unavailable

CHUNK = 1 << 16

Query = Mapping[str, Any] | None


class CityClient(Protocol):
    """Asks a city. Raises the RhineCloudError that its answer tells."""

    def ask(self, method: str, path: str, body: Any = None, query: Query = None, tenant: str = "") -> Any:
        """Send a request, with `body` as JSON; give the JSON of the answer, None where it has none."""
        ...

    def read(self, path: str, query: Query = None) -> Iterator[bytes]:
        """Read a long answer piece by piece."""
        ...


@contextmanager
def open_desk(folder: Path) -> Iterator[CityClient]:
    """Reach the city in `folder`: the process that runs it, or else its data; raises Invalid or Unavailable."""
    from rhinecloud.app.sections import read_city

    settings = read_city(folder)
    access = find_access(settings.data)
    if access is not None:
        yield HttpCityClient(access)
        return
    from rhinecloud.app.offline import open_offline

    with asyncio.Runner() as runner:
        desk = open_offline(settings)
        application = runner.run(desk.__aenter__())
        try:
            yield OfflineCityClient(runner, application)
        finally:
            runner.run(desk.__aexit__(None, None, None))


@contextmanager
def open_running(folder: Path) -> Iterator[HttpCityClient]:
    """Reach the process that runs the city in `folder`; raises Unavailable where none does."""
    from rhinecloud.app.sections import read_city

    access = find_access(read_city(folder).data)
    if access is None:
        raise Unavailable(f"no city runs in {folder}; start it with `rhinecloud up`")
    yield HttpCityClient(access)


class HttpCityClient:
    """Asks the running city over HTTP with the token that it left in its data folder."""

    def __init__(self, access: Access) -> None:
        self.access = access

    def ask(self, method: str, path: str, body: Any = None, query: Query = None, tenant: str = "") -> Any:
        """See `CityClient`."""
        headers = {"Authorization": f"Bearer {self.access.token}", "Accept": "application/json"}
        if tenant:
            headers["NGSILD-Tenant"] = tenant
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else orjson.dumps(body)
            headers["Content-Type"] = "application/json"
        with self._connect() as connection:
            response = self._send(connection, method, _with(path, query), data, headers)
            return _read_answer(response.status, response.read())

    def read(self, path: str, query: Query = None) -> Iterator[bytes]:
        """See `CityClient`."""
        headers = {"Authorization": f"Bearer {self.access.token}"}
        with self._connect() as connection:
            response = self._send(connection, "GET", _with(path, query), None, headers)
            if response.status >= 400:
                _read_answer(response.status, response.read())
            while chunk := response.read(CHUNK):
                yield chunk

    @contextmanager
    def _connect(self) -> Iterator[http.client.HTTPConnection]:
        parts = urlsplit(self.access.url)
        host, port = parts.hostname or "", parts.port or 80
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            # Over loopback to the process that left the token: its certificate names the city, not 127.0.0.1.
            connection = http.client.HTTPSConnection(
                host,
                port,
                timeout=600,
                context=ssl._create_unverified_context(),
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=600)
        try:
            yield connection
        finally:
            connection.close()

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
    ) -> http.client.HTTPResponse:
        try:
            connection.request(method, path, body, headers)
            return connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"the city at {self.access.url} does not answer: {error}") from None


class OfflineCityClient:
    """Asks the foundation of a city that does not run, through the same routes, in this process."""

    def __init__(self, runner: asyncio.Runner, application: Any) -> None:
        self._runner = runner
        self._application = application

    def ask(self, method: str, path: str, body: Any = None, query: Query = None, tenant: str = "") -> Any:
        """See `CityClient`."""
        data = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        target = _with(path, query)

        async def collect() -> tuple[int, bytes]:
            async with _calling(self._application, method, target, data, tenant) as (status, pieces):
                return status, b"".join([piece async for piece in pieces])

        return _read_answer(*self._runner.run(collect()))

    def read(self, path: str, query: Query = None) -> Iterator[bytes]:
        """See `CityClient`."""
        calling = _calling(self._application, "GET", _with(path, query), b"")
        status, pieces = self._runner.run(calling.__aenter__())
        try:
            if status >= 400:
                _read_answer(status, self._runner.run(_joined(pieces)))
            while (piece := self._runner.run(_next(pieces))) is not None:
                yield piece
        finally:
            self._runner.run(calling.__aexit__(None, None, None))


@asynccontextmanager
async def _calling(
    application: Any, method: str, target: str, body: bytes, tenant: str = ""
) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
    async with call(application, method, target, body, tenant) as answer:
        yield answer.status, answer.pieces()


async def _joined(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    return await anext(pieces, None)


def _with(path: str, query: Query) -> str:
    given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


def _read_answer(status: int, body: bytes) -> Any:
    try:
        document = orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        document = {"detail": body[:200].decode("utf-8", "replace")}
    if status >= 400:
        raise error_of(status, document if isinstance(document, dict) else {})
    return document
