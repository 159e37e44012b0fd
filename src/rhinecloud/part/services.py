"""A registry of services by their type: how a part finds what the layers below it offer."""

from __future__ import annotations

from typing import Any, TypeVar

from rhinecloud.kernel.errors import Unavailable

T = TypeVar("T")


class Services:
    """The services of one space. A part adds its own when it is opened; parts above it get them by their type."""

    def __init__(self) -> None:
        self._by_type: dict[type[Any], Any] = {}

    def add(self, kind: type[T], service: T) -> None:
        """Register `service` under `kind`; raise ValueError where there is one already."""
        if kind in self._by_type:
            raise ValueError(f"there is a service {kind.__qualname__} already")
        self._by_type[kind] = service

    def get(self, kind: type[T]) -> T:
        """Return the service of that type; raise Unavailable where no opened part offers it."""
        found = self.find(kind)
        if found is None:
            raise Unavailable(f"no opened part offers {kind.__qualname__}")
        return found

    def find(self, kind: type[T]) -> T | None:
        """Return the service of that type, None where no opened part offers it."""
        found: T | None = self._by_type.get(kind)
        return found
