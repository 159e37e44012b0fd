"""Equality of JSON values, which is not Python's: `true` is no number, whatever the depth.

Source: IETF RFC 8259, section 3; ETSI GS CIM 009 v1.9.1, clause 5.8.6.
"""

from __future__ import annotations

from typing import Any


def json_equal(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal: numbers by value (1 is 1.0), `true` and 1 never, members in any
    order.
    """
    if one != other:
        return False
    kind = type(one)
    if kind is str or other is one:
        return True
    if kind is dict:
        return all(json_equal(each, other[name]) for name, each in one.items())
    if kind is list:
        return all(map(json_equal, one, other))
    return (kind is bool) is (type(other) is bool)
