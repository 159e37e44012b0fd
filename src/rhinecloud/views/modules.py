"""Pages from elsewhere: ES modules that parts and packs bring, listed for the operations centre and served to it.

Their files are read once. The address of a file holds a digest of the whole module, so that browsers may keep it for
ever and still get the next version at once. They come from the city's own origin, as its content security policy
(`script-src 'self'`) demands.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Invalid, NotFound
from rhinecloud.part import WebModule

ENTRY = "index.js"
LARGEST = 8 * 1024 * 1024
"""Bytes of one module's files together."""
NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".map": "application/json",
}
"""Files of other kinds are not served."""
HEADERS = {
    "cache-control": "public, max-age=31536000, immutable",
    "x-content-type-options": "nosniff",
    # A picture that is opened by itself runs nothing.
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}


class ModuleView(BaseModel):
    """A module that the operations centre imports."""

    name: str
    url: str = Field(description="The address of the ES module, below the city's own origin")


@dataclass(frozen=True, slots=True)
class ServedModule:
    """A module as it was read: the content of its files by their path below the folder."""

    name: str
    entry: str
    digest: str
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class ModuleFailure:
    """A module that cannot be served, and why."""

    name: str
    reason: str


def read_modules(modules: Iterable[WebModule]) -> tuple[list[ServedModule], list[ModuleFailure]]:
    """Return the modules with their files, and the failures of those that cannot be read."""
    served: dict[str, ServedModule] = {}
    failed: list[ModuleFailure] = []
    for module in modules:
        try:
            if module.name in served:
                raise Invalid("another module has this name")  # noqa: TRY301 - all reasons end in the same place
            served[module.name] = read_module(module)
        except (Invalid, OSError) as error:
            failed.append(ModuleFailure(module.name, str(error)))
    return list(served.values()), failed


def read_module(module: WebModule) -> ServedModule:
    """Read the files of one module; raise Invalid, or OSError where a file cannot be read."""
    if not NAME.fullmatch(module.name):
        raise Invalid("a module's name must be of lower-case letters, digits and -", field=module.name)
    entry = module.path.name if module.path.is_file() else ENTRY
    files = _files_of(module.path)
    if entry not in files:
        raise Invalid(f"must be a .js file, or a folder with {ENTRY}", field=str(module.path))
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return ServedModule(module.name, entry, digest.hexdigest()[:20], files)


def _files_of(path: Path) -> dict[str, bytes]:
    root = (path.parent if path.is_file() else path).resolve()
    found = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    files: dict[str, bytes] = {}
    size = 0
    for each in found:
        real = each.resolve()
        if each.suffix not in MEDIA_TYPES or not real.is_relative_to(root):
            continue
        size += real.stat().st_size
        if size > LARGEST:
            raise Invalid(f"must not be larger than {LARGEST >> 20} MB", field=str(path))
        files[each.relative_to(path.parent if path.is_file() else path).as_posix()] = real.read_bytes()
    return files


SignedIn = Callable[[Request], Awaitable[Actor]]
"""A dependency that returns the actor who is signed in."""


def module_routes(modules: Iterable[ServedModule], signed_in: SignedIn, prefix: str = "/api/v1") -> APIRouter:
    """Build `/views/modules`: the list for the screen, and the files; `prefix` is where the router is mounted."""
    router = APIRouter(tags=["views"])
    by_name = {each.name: each for each in modules}

    @router.get("/views/modules", summary="Pages from elsewhere that the operations centre loads")
    async def list_modules(actor: Actor = Depends(signed_in)) -> list[ModuleView]:
        return [
            ModuleView(name=each.name, url=f"{prefix}/views/modules/{each.name}/{each.digest}/{each.entry}")
            for each in by_name.values()
        ]

    @router.get("/views/modules/{name}/{digest}/{path:path}", include_in_schema=False)
    async def get_file(name: str, digest: str, path: str) -> Response:
        module = by_name.get(name)
        content = module.files.get(path) if module is not None and module.digest == digest else None
        if content is None:
            raise NotFound("there is no such file of a module")
        media_type = MEDIA_TYPES[Path(path).suffix]
        return Response(content, headers={**HEADERS, "content-type": media_type})

    return router
