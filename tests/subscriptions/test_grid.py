"""Boxes that touch are found, however large or small they are, and as long as they are there."""

from __future__ import annotations

import random

from rhinecloud.ngsild.box import Box, touches
from rhinecloud.subscriptions.matching.grid import SpatialGrid

SIZES = (0.0, 1e-6, 0.001, 0.25, 1.0, 30.0, 360.0)


def some_box(dice: random.Random) -> Box:
    west, south = dice.uniform(-180, 180), dice.uniform(-90, 90)
    width, height = dice.choice(SIZES), dice.choice(SIZES)
    if dice.random() < 0.3:
        west, south = float(round(west)), float(round(south))  # on the edges of squares
    return (west, south, west + width, south + height)


def test_whatever_touches_is_found_and_nothing_else() -> None:
    dice = random.Random(7)
    boxes = {str(number): some_box(dice) for number in range(500)}
    squares: SpatialGrid[str] = SpatialGrid()
    for key, box in boxes.items():
        squares.add(key, box, key)
    for _ in range(300):
        asked = some_box(dice)
        assert {key for key, _ in squares.touched(asked)} == {
            key for key, box in boxes.items() if touches(box, asked)
        }
    for key in list(boxes)[::2]:
        squares.remove(key)
        del boxes[key]
    everywhere = (-1000.0, -1000.0, 1000.0, 1000.0)
    assert dict(squares.touched(everywhere)) == {key: key for key in boxes}
    for key in boxes:
        squares.remove(key)
    assert (bool(squares), list(squares.touched(everywhere))) == (False, [])


def test_edges_count() -> None:
    squares: SpatialGrid[str] = SpatialGrid()
    squares.add("a", (6.0, 51.0, 7.0, 52.0), "a")
    assert dict(squares.touched((7.0, 52.0, 8.0, 53.0))) == {"a": "a"}
    assert not list(squares.touched((7.0000001, 52.0, 8.0, 53.0)))
