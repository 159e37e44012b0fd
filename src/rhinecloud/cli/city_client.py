"""Sends a command's requests to the running city over HTTP, or, where it is not running, to its opened data.

Both have the same routes, so a command does not depend on which one answers.
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

from rhinecloud.app.folder import CityAccess, find_access
from rhinecloud.cli.call import call
from rhinecloud.cli.exits import error_of
from rhinecloud.kernel.errors import Unavailable

CHUNK = 1 << 16

Query = Mapping[str, Any] | None


class CityClient(Protocol):
    """Sends requests to a city; an error response is raised as the RhineCloudError that it stands for."""

    def request(self, method: str, path: str, body: Any = None, query: Query = None, tenant: str = "") -> Any:
        """Send a request with `body` as JSON, and return the JSON of the response, None where it has none."""
        ...

    def stream(self, path: str, query: Query = None) -> Iterator[bytes]:
        """Send a GET request, and yield the body of the response in chunks."""
        ...


@contextmanager
def open_city(folder: Path) -> Iterator[CityClient]:
    """Yield a client of the city in `folder`, of its process or else of its data. Raise Invalid or Unavailable."""
    from rhinecloud.app.sections import read_city

    settings = read_city(folder)
    access = find_access(settings.data)
    if access is not None:
        yield HttpCityClient(access)
        return
    from rhinecloud.app.offline import open_offline

    with asyncio.Runner() as runner:
        offline = open_offline(settings)
        application = runner.run(offline.__aenter__())
        try:
            yield OfflineCityClient(runner, application)
        finally:
            runner.run(offline.__aexit__(None, None, None))


@contextmanager
def open_running(folder: Path) -> Iterator[HttpCityClient]:
    """Yield a client of the running city in `folder`. Raise Unavailable where it is not running."""
    from rhinecloud.app.sections import read_city

    access = find_access(read_city(folder).data)
    if access is None:
        raise Unavailable(f"the city in {folder} is not running; start it with `rhinecloud up`")
    yield HttpCityClient(access)


class HttpCityClient:
    """Sends requests over HTTP to the running city, with the token from its data folder."""

    def __init__(self, access: CityAccess) -> None:
        self.access = access

    def request(self, method: str, path: str, body: Any = None, query: Query = None, tenant: str = "") -> Any:
        """Send a request, as `CityClient.request` says."""
        headers = {"Authorization": f"Bearer {self.access.token}", "Accept": "application/json"}
        if tenant:
            headers["NGSILD-Tenant"] = tenant
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else orjson.dumps(body)
            headers["Content-Type"] = "application/json"
        with self._connect() as connection:
            response = self._send(connection, method, _with(path, query), data, headers)
            return _read_response(response.status, response.read())

    def stream(self, path: str, query: Query = None) -> Iterator[bytes]:
        """Yield a long response, as `CityClient.stream` says."""
        headers = {"Authorization": f"Bearer {self.access.token}"}
        with self._connect() as connection:
            response = self._send(connection, "GET", _with(path, query), None, headers)
            if response.status >= 400:
                _read_response(response.status, response.read())
            while chunk := response.read(CHUNK):
                yield chunk

    @contextmanager
    def _connect(self) -> Iterator[http.client.HTTPConnection]:
        parts = urlsplit(self.access.url)
        host, port = parts.hostname or "", parts.port or 80
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            # Over loopback to the process that wrote the token: its certificate names the city, not 127.0.0.1.
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
    """Sends requests to the data of a city that is not running, through the same routes, in this process."""

    def __init__(self, runner: asyncio.Runner, application: Any) -> None:
        self._runner = runner
        self._application = application

    def request(self, method: str, path: str, body: Any = None, query: Query = None, tenant: str = "") -> Any:
        """Send a request, as `CityClient.request` says."""
        data = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        target = _with(path, query)

        async def collect() -> tuple[int, bytes]:
            async with _calling(self._application, method, target, data, tenant) as (status, chunks):
                return status, b"".join([chunk async for chunk in chunks])

        return _read_response(*self._runner.run(collect()))

    def stream(self, path: str, query: Query = None) -> Iterator[bytes]:
        """Yield a long response, as `CityClient.stream` says."""
        calling = _calling(self._application, "GET", _with(path, query), b"")
        status, chunks = self._runner.run(calling.__aenter__())
        try:
            if status >= 400:
                _read_response(status, self._runner.run(_joined(chunks)))
            while (chunk := self._runner.run(_next(chunks))) is not None:
                yield chunk
        finally:
            self._runner.run(calling.__aexit__(None, None, None))


@asynccontextmanager
async def _calling(
    application: Any, method: str, target: str, body: bytes, tenant: str = ""
) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
    async with call(application, method, target, body, tenant) as response:
        yield response.status, response.chunks()


async def _joined(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)


def _with(path: str, query: Query) -> str:
    given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


def _read_response(status: int, body: bytes) -> Any:
    try:
        document = orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        document = {"detail": body[:200].decode("utf-8", "replace")}
    if status >= 400:
        raise error_of(status, document if isinstance(document, dict) else {})
    return document
