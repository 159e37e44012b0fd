"""Reads the members of a JSON object one by one, so that each error names the path of its member."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import unknown
from rhinecloud.ngsild.entity import NULL


class SubscriptionMembers:
    """The members of one object; `place` is its path, the prefix of each name in errors."""

    def __init__(self, data: Any, place: str = "") -> None:
        if not isinstance(data, dict):
            raise Invalid("must be an object", field=place)
        self._data = data
        self._place = place

    def __contains__(self, name: str) -> bool:
        return name in self._data

    def place(self, name: str) -> str:
        """Return the path of a member."""
        return f"{self._place}.{name}" if self._place else name

    def check_known(self, known: Collection[str]) -> None:
        """Raise Invalid for the first member that is none of `known`; what begins with `_` is no name, and ignored."""
        for name in self._data:
            if name not in known and not name.startswith("_"):
                raise Invalid(unknown("member", name, known), field=self.place(name))

    def is_null(self, name: str) -> bool:
        """Return whether a member asks for removal (clause 5.5.8)."""
        return self._data[name] is None or self._data[name] == NULL

    def raw(self, name: str) -> Any:
        """Return a member as it is, None when it is absent."""
        return self._data.get(name)

    def text(self, name: str, default: str = "") -> str:
        """Return a member that is a non-empty string; raise Invalid."""
        if name not in self._data:
            return default
        value = self._data[name]
        if not isinstance(value, str) or not value.strip():
            raise Invalid("must be a non-empty string", field=self.place(name))
        return value

    def uri(self, name: str, default: str = "") -> str:
        """Return a member that is a URI."""
        text = self.text(name, default)
        if text:
            require_uri(text, self.place(name))
        return text

    def flag(self, name: str, default: bool | None = None) -> bool | None:
        """Return a member that is true or false; raise Invalid."""
        value = self._data.get(name, default)
        if name in self._data and not isinstance(value, bool):
            raise Invalid("must be true or false", field=self.place(name))
        return value

    def positive(self, name: str) -> float:
        """Return a member that is a number above 0; 0 when it is absent; raise Invalid."""
        if name not in self._data:
            return 0
        value = self._data[name]
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
            or value <= 0
        ):
            raise Invalid("must be a number greater than 0", field=self.place(name))
        return value

    def choice(self, name: str, allowed: Collection[str], default: str = "") -> str:
        """Return a member that is one of the allowed strings; raise Invalid."""
        text = self.text(name, default)
        if text and text not in allowed and name in self._data:
            raise Invalid(
                f"must be one of {', '.join(sorted(allowed))}, not {text!r}", field=self.place(name)
            )
        return text

    def texts(self, name: str, read: Callable[[str], str] = str) -> list[str]:
        """Return a member that is a list of strings, each converted by `read`; [] when absent; raise Invalid."""
        if name not in self._data:
            return []
        values = self._data[name]
        if not isinstance(values, list) or not values:
            raise Invalid("must be a non-empty list", field=self.place(name))
        found = []
        for number, value in enumerate(values):
            place = f"{self.place(name)}[{number}]"
            if not isinstance(value, str) or not value.strip():
                raise Invalid("must be a non-empty string", field=place)
            try:
                found.append(read(value))
            except Invalid as error:
                raise Invalid(error.reason, field=place) from None
        return found

    def objects(self, name: str) -> list[SubscriptionMembers]:
        """Return a member that is a non-empty list of objects; [] when it is absent; raise Invalid."""
        if name not in self._data:
            return []
        values = self._data[name]
        if not isinstance(values, list) or not values:
            raise Invalid("must be a non-empty list", field=self.place(name))
        return [
            SubscriptionMembers(value, f"{self.place(name)}[{number}]") for number, value in enumerate(values)
        ]

    def object(self, name: str) -> SubscriptionMembers | None:
        """Return a member that is an object; None when it is absent."""
        return SubscriptionMembers(self._data[name], self.place(name)) if name in self._data else None


def require_uri(text: str, place: str) -> str:
    """Return `text`. Raise Invalid unless it is a URI with a scheme and without blanks."""
    scheme, colon, rest = text.partition(":")
    legal = (
        scheme[:1].isalpha() and all(sign.isalnum() or sign in "+-." for sign in scheme) and scheme.isascii()
    )
    if not colon or not rest or not legal or any(sign.isspace() or sign in '<>"{}|\\^`' for sign in rest):
        raise Invalid(f"{text!r} must be a URI", field=place)
    try:
        urlsplit(text)
    except ValueError:
        raise Invalid(f"{text!r} must be a URI", field=place) from None
    return text
