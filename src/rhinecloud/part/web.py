"""What a part or pack from outside shows: a built ES module that the operations centre loads under its CSP."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WebModule:
    """`name` is unique in a city; `path` is the file of a built ES module, or the folder that holds its `index.js`."""

    name: str
    path: Path


class WebModules(tuple[WebModule, ...]):
    """Every module that parts and packs bring, as a service of a space."""

    __slots__ = ()
