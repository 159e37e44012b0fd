"""Serves the files of the operations centre, listed at the start and again after each build.

A new build is noticed within a second, by the modification times of three paths. Hashed files are cached for a year,
others are revalidated by their ETag; texts are compressed; large files (the base map) can be read in ranges. Any other
path returns the page of the single-page application to a browser, and 404 to whoever accepts no HTML.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from rhinecloud.app.asgi import Headers, Receive, Scope, Send, header, reply
from rhinecloud.app.problem import MEDIA_TYPE, TYPE

IN_MEMORY = 2 * 1024 * 1024
"""Files up to this many bytes are kept in memory once they were requested."""
CHUNK = 256 * 1024
CHECK_S = 1.0
SETTLED_AFTER_S = 3.0
"""A build that is younger than this may still be writing, so its files are listed again at each check."""
HASHED = re.compile(r"/(?:assets|immutable)/.*[.-][A-Za-z0-9_-]{8,}\.[a-z0-9]+$")
COMPRESSED = (
    "text/",
    "application/json",
    "application/geo+json",
    "image/svg+xml",
    "application/manifest+json",
)
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
}
"""Fixed here, because a machine's own table may differ, and a browser then rejects a script."""
RANGE = re.compile(r"bytes=(\d*)-(\d*)")
NOT_BUILT = (
    b"<!doctype html><meta charset=utf-8><title>Rhine Cloud</title><p>The city runs; its operations centre is not "
    b"built. Run <code>make web</code>, then load this page again."
)
NOT_FOUND = orjson.dumps(
    {
        "type": f"{TYPE}not-found",
        "title": "Not found",
        "status": 404,
        "detail": "there is no such resource; the APIs are below /ngsi-ld/v1/ and /api/v1/",
    }
)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file to serve; `etag` identifies its content."""

    path: Path
    size: int
    media_type: str
    etag: bytes
    hashed: bool
    encodings: tuple[str, ...]
    """Which of `br` and `gzip` exist beside it."""


class StaticFiles:
    """The ASGI application over a folder; for an empty or missing one it returns a page that says how to build it."""

    def __init__(
        self,
        folder: Path,
        extra_headers: Headers = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._extra = tuple(extra_headers)
        self._monotonic = monotonic
        self._assets: dict[str, Asset] = {}
        self._bodies: dict[tuple[Path, str], bytes] = {}
        self._build = _build_of(folder)
        self._changed_at = self._checked_at = monotonic()
        self._assets = _find(folder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle GET and HEAD; a path without a suffix is a page of the application, for whoever accepts HTML."""
        if scope["method"] not in ("GET", "HEAD"):
            await reply(send, 405, b"", [(b"allow", b"GET, HEAD")])
            return
        await self._check_build()
        path = scope["path"]
        asset = self._assets.get(path)
        if (
            asset is None
            and "." not in path.rpartition("/")[2]
            and _accepts_page(path, header(scope, b"accept"))
        ):
            asset = self._assets.get("/index.html")
            if asset is None:
                await reply(
                    send, 200, NOT_BUILT, [(b"content-type", b"text/html; charset=utf-8"), *self._extra]
                )
                return
        if asset is None:
            fields = [(b"content-type", MEDIA_TYPE.encode()), (b"cache-control", b"no-store"), *self._extra]
            body = NOT_FOUND if scope["method"] == "GET" else b""
            await reply(send, 404, body, fields, length=len(NOT_FOUND))
            return
        await self._serve(asset, scope, send)

    async def _check_build(self) -> None:
        """List the files again where a build has changed them."""
        now = self._monotonic()
        if now - self._checked_at < CHECK_S:
            return
        self._checked_at = now
        build = _build_of(self._folder)
        if build != self._build:
            self._build, self._changed_at = build, now
        elif now - self._changed_at > SETTLED_AFTER_S + CHECK_S:
            return
        self._assets = await asyncio.to_thread(_find, self._folder)
        self._bodies.clear()

    async def _serve(self, asset: Asset, scope: Scope, send: Send) -> None:
        caching = b"public, max-age=31536000, immutable" if asset.hashed else b"no-cache"
        headers = [
            (b"content-type", asset.media_type.encode()),
            (b"etag", asset.etag),
            (b"cache-control", caching),
            (b"vary", b"accept-encoding"),
            *self._extra,
        ]
        if asset.etag in header(scope, b"if-none-match"):
            await reply(send, 304, b"", headers)
            return
        if asset.size > IN_MEMORY:
            await self._serve_large(asset, scope, send, headers)
            return
        encoding = _encoding(asset, header(scope, b"accept-encoding"))
        body = await self._body(asset, encoding)
        if encoding:
            headers.append((b"content-encoding", encoding.encode()))
        await reply(send, 200, b"" if scope["method"] == "HEAD" else body, headers, length=len(body))

    async def _body(self, asset: Asset, encoding: str) -> bytes:
        key = (asset.path, encoding)
        body = self._bodies.get(key)
        if body is None:
            body = self._bodies[key] = await asyncio.to_thread(_read, asset, encoding)
        return body

    async def _serve_large(
        self, asset: Asset, scope: Scope, send: Send, headers: list[tuple[bytes, bytes]]
    ) -> None:
        span = _span(header(scope, b"range"), asset.size)
        headers.append((b"accept-ranges", b"bytes"))
        if span is None:
            headers.append((b"content-range", b"bytes */%d" % asset.size))
            await reply(send, 416, b"", headers)
            return
        first, last = span
        partial = (first, last) != (0, asset.size - 1)
        if partial:
            headers.append((b"content-range", b"bytes %d-%d/%d" % (first, last, asset.size)))
        headers.append((b"content-length", b"%d" % (last - first + 1)))
        await send({"type": "http.response.start", "status": 206 if partial else 200, "headers": headers})
        while scope["method"] == "GET" and first <= last:
            chunk = await asyncio.to_thread(_read_span, asset.path, first, min(CHUNK, last - first + 1))
            first += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _build_of(folder: Path) -> tuple[int, ...]:
    """Return the modification times that identify a build."""
    times = []
    for path in (folder / "index.html", folder / "assets", folder):
        try:
            times.append(path.stat().st_mtime_ns)
        except OSError:
            times.append(0)
    return tuple(times)


def _find(folder: Path) -> dict[str, Asset]:
    found = {}
    for path in _files(folder):
        try:
            found[f"/{path.relative_to(folder).as_posix()}"] = _asset(folder, path)
        except OSError:
            continue  # a build deleted it after it was listed
    return found


def _files(folder: Path) -> list[Path]:
    found = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return [path for path in found if path.suffix not in (".br", ".gz")]


def _asset(folder: Path, path: Path) -> Asset:
    status = path.stat()
    digest = hashlib.sha256(f"{path} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:20]
    return Asset(
        path=path,
        size=status.st_size,
        media_type=MEDIA_TYPES.get(path.suffix, "application/octet-stream"),
        etag=b'"%s"' % digest.encode(),
        hashed=HASHED.search(f"/{path.relative_to(folder).as_posix()}") is not None,
        encodings=tuple(
            name
            for name, ending in (("br", ".br"), ("gzip", ".gz"))
            if path.with_name(path.name + ending).exists()
        ),
    )


def _accepts_page(path: str, accept: bytes) -> bool:
    """Return whether a client that accepts these media types is a browser; `/` is a page for all but JSON's clients."""
    return b"text/html" in accept or (path == "/" and (not accept or b"*/*" in accept))


def _encoding(asset: Asset, accepted: bytes) -> str:
    for encoding in ("br", "gzip"):
        if encoding.encode() not in accepted:
            continue
        if encoding in asset.encodings:
            return encoding
        if encoding == "gzip" and asset.media_type.startswith(COMPRESSED):
            return encoding
    return ""


def _read(asset: Asset, encoding: str) -> bytes:
    if encoding in asset.encodings:
        return asset.path.with_name(asset.path.name + {"br": ".br", "gzip": ".gz"}[encoding]).read_bytes()
    body = asset.path.read_bytes()
    return gzip.compress(body, 6) if encoding == "gzip" else body


def _read_span(path: Path, first: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(first)
        return file.read(length)


def _span(asked: bytes, size: int) -> tuple[int, int] | None:
    """Return the first and last byte of a Range; the whole file without one; None where it cannot be satisfied."""
    match = RANGE.fullmatch(asked.decode("latin-1"))
    if match is None or match.groups() == ("", ""):
        return 0, size - 1
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size - 1
    span = int(first), min(int(last) if last else size - 1, size - 1)
    return span if span[0] <= span[1] else None
