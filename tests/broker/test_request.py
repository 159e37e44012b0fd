"""How much of a call's body is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rhinecloud.broker.http.request import Request


def bringing(pieces: Sequence[bytes], announced: int) -> Request:
    """Make a request whose body comes in `pieces`, of which none is said to be the last one."""
    coming = iter(pieces)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": next(coming), "more_body": True}

    return Request("POST", {b"content-length": b"%d" % announced}, b"", receive, {})


async def test_a_body_is_read_as_far_as_it_was_announced() -> None:
    assert await bringing([b"abc"], 3).body(3) == b"abc"
    assert await bringing([b"ab", b"", b"cd"], 4).body(4) == b"abcd"
    assert await bringing([], 0).body(0) == b""


async def test_a_body_that_ends_early_is_not_waited_for() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"ab", "more_body": False}

    assert await Request("POST", {b"content-length": b"9"}, b"", receive, {}).body(9) == b"ab"
