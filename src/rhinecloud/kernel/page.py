"""A page of a longer list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`items` from `offset` on; `total` where it was asked for; `more` when another page follows."""

    items: list[T]
    offset: int = 0
    more: bool = False
    total: int | None = None
