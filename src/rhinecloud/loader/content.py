"""Reads the files of a folder by the kinds that parts declare: it knows a folder, a pattern, and what reads a file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rhinecloud.kernel.faults import ErrorCollector
from rhinecloud.part import Content, ContentItem, ContentKind, ContentSource

Items = dict[str, tuple[ContentItem[Any], ...]]
"""What was read, by the folder of its kind."""


def read_content(kinds: Iterable[ContentKind[Any]], source: ContentSource) -> Items:
    """Read every file that is of a kind; raise Invalid naming every fault in all of them."""
    collector = ErrorCollector()
    items = gather_content(kinds, source, collector)
    collector.finish()
    return items


def gather_content(
    kinds: Iterable[ContentKind[Any]], source: ContentSource, collector: ErrorCollector
) -> Items:
    """Read every file that is of a kind; add the faults to the collector and leave out the files that have one."""
    items = Items()
    for kind in kinds:
        found = []
        for path in find_content(kind, source.root):
            with collector.collect():
                found.append(ContentItem(source, path, kind.read(path, source)))
        items[kind.folder] = tuple(found)
    return items


def find_content(kind: ContentKind[Any], root: Path) -> list[Path]:
    """Return the files of a kind below a folder, in order of their paths, without hidden ones."""
    folder = root / kind.folder
    return sorted(
        path
        for path in folder.glob(kind.pattern)
        if path.is_file() and not any(step.startswith(".") for step in path.relative_to(folder).parts)
    )


def join_content(parts: Iterable[Items]) -> Content:
    """Join what several owners bring, in their order."""
    joined: dict[str, list[ContentItem[Any]]] = {}
    for items in parts:
        for folder, found in items.items():
            joined.setdefault(folder, []).extend(found)
    return Content({folder: tuple(found) for folder, found in joined.items()})
