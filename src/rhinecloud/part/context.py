"""What a part is given when it is opened: the space that it works in, and everything that the layers below offer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from rhinecloud.kernel.time import Clock
from rhinecloud.ngsild.context import Context
from rhinecloud.part.access import Access
from rhinecloud.part.actions import Actions
from rhinecloud.part.content import Content
from rhinecloud.part.services import Services

S = TypeVar("S")


class Settings(Protocol):
    """The settings of one city, read once."""

    def section(self, name: str, kind: type[S]) -> S:
        """Return a section as the dataclass that its part declares."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PartContext:
    """One space: its settings, folders, clock, vocabulary, content, and the services of the parts below.

    `space` is the NGSI-LD tenant; `folder` is the city's folder, `data` the one that the city writes. `running` is
    False where the command line opens a city that does not run: then there is no stream.
    """

    space: str
    folder: Path
    data: Path
    settings: Settings
    clock: Clock
    vocabulary: Context
    content: Content
    services: Services
    actions: Actions
    access: Access
    running: bool = True
