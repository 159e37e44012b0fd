"""Items by their bounding box, found by the squares of a few grids in some dictionary look-ups.

Each item is in the finest grid whose squares are no smaller than its box, so it is in at most four squares. A search
tree would do as well, but must be rebuilt when items change, and is slower for a single point.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import floor, frexp
from typing import Generic, TypeVar

from rhinecloud.ngsild.box import Box

W = TypeVar("W")

FINEST = -12
"""The squares of the finest grid, as a power of two of a degree: some 25 m."""

_Square = tuple[int, int]


class SpatialGrid(Generic[W]):
    """Items by key, each with its box."""

    __slots__ = ("_grids", "_places")

    def __init__(self) -> None:
        self._grids: dict[int, dict[_Square, dict[str, tuple[Box, W]]]] = {}
        self._places: dict[str, tuple[int, list[_Square]]] = {}

    def __bool__(self) -> bool:
        return bool(self._places)

    def add(self, key: str, box: Box, item: W) -> None:
        """Add an item; its key must be new."""
        west, east = sorted((box[0], box[2]))
        south, north = sorted((box[1], box[3]))
        level = _level(max(east - west, north - south))
        squares = [
            (column, row)
            for column in range(_number(west, level), _number(east, level) + 1)
            for row in range(_number(south, level), _number(north, level) + 1)
        ]
        grid = self._grids.setdefault(level, {})
        for square in squares:
            grid.setdefault(square, {})[key] = ((west, south, east, north), item)
        self._places[key] = (level, squares)

    def remove(self, key: str) -> None:
        """Remove an item, which must be there."""
        level, squares = self._places.pop(key)
        grid = self._grids[level]
        for square in squares:
            del grid[square][key]
            if not grid[square]:
                del grid[square]
        if not grid:
            del self._grids[level]

    def touched(self, box: Box) -> Iterator[tuple[str, W]]:
        """Yield the items whose boxes share a point with `box`, and their keys; an item may come twice."""
        west, south, east, north = box
        for level, grid in self._grids.items():
            for square in _within(grid, level, box):
                for key, (other, item) in square.items():
                    if other[0] <= east and west <= other[2] and other[1] <= north and south <= other[3]:
                        yield key, item


def _within(
    grid: dict[_Square, dict[str, tuple[Box, W]]], level: int, box: Box
) -> Iterator[dict[str, tuple[Box, W]]]:
    """Yield the content of the squares that a box touches, or of all squares where those are fewer."""
    first, last = _number(box[0], level), _number(box[2], level)
    lowest, highest = _number(box[1], level), _number(box[3], level)
    if (last - first + 1) * (highest - lowest + 1) > len(grid):
        yield from grid.values()
        return
    for column in range(first, last + 1):
        for row in range(lowest, highest + 1):
            if (column, row) in grid:
                yield grid[column, row]


def _level(edge: float) -> int:
    """Return the power of two of a degree that is larger than an edge."""
    return max(FINEST, frexp(edge)[1]) if edge else FINEST


def _number(degrees: float, level: int) -> int:
    return floor(degrees * 2.0**-level)
