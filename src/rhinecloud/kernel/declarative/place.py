"""Where each value of a declarative file stands, so that a fault can name its line and column."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

DocumentPath = tuple[str | int, ...]
"""The way to a value: keys and list positions from the top of the document."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read of one file: its size, levels of nesting, and values once each alias is expanded."""

    size_bytes: int = 4 << 20
    depth: int = 40
    nodes: int = 200_000


LIMITS = Limits()


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line and a column; both count from 1."""

    line: int = 1
    column: int = 1


@dataclass(slots=True)
class Node:
    """A value and its place: of a quoted text its first character, of a block the sign that opens it.

    A block is a text whose lines begin below (`|` and `>` of YAML), after `block_indent` blanks. `written` is the text
    of a scalar of YAML, where a number or a boolean may be written in several ways.
    """

    place: Place = field(default_factory=Place)
    block_indent: int | None = None
    keys: dict[str, Place] | None = None
    items: dict[str | int, Node] | None = None
    size: int = 1
    height: int = 0
    written: str = ""

    def add(self, step: str | int, child: Node, key: Place | None = None) -> None:
        """Put a child at a key or at a position of a list."""
        if self.items is None:
            self.items = {}
        self.items[step] = child
        if key is not None:
            if self.keys is None:
                self.keys = {}
            self.keys[str(step)] = key
        self.size += child.size
        self.height = max(self.height, child.height + 1)

    def child(self, step: str | int) -> Node | None:
        """Return the child at a key or position, None where there is none."""
        return None if self.items is None else self.items.get(step)

    def nearest(self, path: DocumentPath) -> Node:
        """Return the node at a path, or the last one on the way to it."""
        node = self
        for step in path:
            child = node.child(step)
            if child is None:
                break
            node = child
        return node

    def place_of(self, path: DocumentPath, line: int = 1, column: int = 1) -> Place:
        """Return the place of a value, or of a line and column within its text."""
        node = self.nearest(path)
        if node.block_indent is not None:
            return Place(node.place.line + line, column + node.block_indent)
        return Place(node.place.line + line - 1, node.place.column + column - 1 if line == 1 else column)

    def place_of_key(self, path: DocumentPath) -> Place:
        """Return the place of a key; of a key that is not there, that of the key or value around it."""
        place = self.place
        node = self
        for step in path:
            child = node.child(step)
            if child is None:
                break
            place = (node.keys or {}).get(str(step), child.place)
            node = child
        return place


def path_text(path: Iterable[str | int]) -> str:
    """Write a path as people read it: `rules[0].attributes.v`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def path_of(field: str) -> DocumentPath:
    """Return a path that is written as `a.b[0]` step by step."""
    steps: list[str | int] = []
    for part in field.replace("[", ".[").split("."):
        if part.startswith("[") and part.endswith("]") and part[1:-1].isdecimal():
            steps.append(int(part[1:-1]))
        elif part:
            steps.append(part)
    return tuple(steps)


class LineIndex:
    """Finds line and column of a position in a text."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(index + 1 for index, sign in enumerate(text) if sign == "\n")]

    def place(self, position: int) -> Place:
        """Return the place of a character by its index."""
        line = bisect_right(self._starts, position)
        return Place(line, position - self._starts[line - 1] + 1)
