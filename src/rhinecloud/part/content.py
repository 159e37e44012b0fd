"""Content kinds: the declarative files that packs and the city bring, each kind owned by the part that understands it.

The loader knows this protocol only: a folder's name, a pattern, and what reads one file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from rhinecloud.ngsild.context import Context

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ContentSource:
    """Where a file comes from: `owner` is a pack's name or `city`, `root` its folder, `context` its own @context."""

    owner: str
    root: Path
    context: Context

    def place(self, path: Path) -> str:
        """Return how faults name a file: by its path from the owner's folder."""
        return path.relative_to(self.root).as_posix()


@dataclass(frozen=True, slots=True)
class ContentItem(Generic[T]):
    """One file as its part reads it."""

    source: ContentSource
    path: Path
    value: T


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentKind(Generic[T]):
    """A kind of file: `pattern` below `folder` (glob), read one at a time by `read`.

    `read` raises Invalid that names file, line and column; one file's fault costs its pack, and no other pack.
    `model`, where the kind has one, is what `rhinecloud schema` exports for editors. `reload` says whether files are
    read again by `rhinecloud reload`; what needs a restart is False. `in_city` says whether the city's own folder may
    bring such files.
    """

    folder: str
    pattern: str
    summary: str
    read: Callable[[Path, ContentSource], T]
    model: Any = None
    reload: bool = False
    in_city: bool = True


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that was read, by folder. A part asks for its own kind and gets the values with their owners."""

    items: Mapping[str, tuple[ContentItem[Any], ...]] = field(default_factory=dict)

    def of(self, kind: ContentKind[T]) -> tuple[ContentItem[T], ...]:
        """Return the items of a kind: packs by name, then the city's own; by path within an owner."""
        return self.items.get(kind.folder, ())

    def values(self, kind: ContentKind[T]) -> Iterable[T]:
        """Return the values of a kind in the same order."""
        return [item.value for item in self.of(kind)]
