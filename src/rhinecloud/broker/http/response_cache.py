"""Answers that were given before: asked again in the same words, one is given again as long as it stands.

What is kept here is known to be right before it is given, never just believed to be: see `Door`. In return the most
usual requests, which ask again and again for the same entity or page, pass all stations of the door but the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from rhinecloud.broker.contexts import CompiledContext
from rhinecloud.broker.http.response import CacheValidator, Response
from rhinecloud.broker.http.route import Route
from rhinecloud.kernel.actor import Actor

ROOM_BYTES = 16 * 1024 * 1024
"""Memory for all answers together."""

OVERHEAD_BYTES = 640
"""What keeping an answer costs beside its bytes and those of its question."""

Question = tuple[bytes | None, ...]
"""The words of a GET: path, query string, and every header field on which an answer may depend."""


def question_of(scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Question:
    """Give the words of a request; what the door adds to each answer by itself is not among them."""
    field = headers.get
    return (
        scope["raw_path"],
        scope["query_string"],
        field(b"authorization"),
        field(b"cookie"),
        field(b"accept"),
        field(b"link"),
        field(b"ngsild-tenant"),
        field(b"prefer"),
        field(b"ngsild-entitymap"),
    )


class CachedResponse(msgspec.Struct, frozen=True, gc=False):
    """An answer, who was given it, and what it rests on: the `ground`, and what an @context meant."""

    reply: Response
    ground: CacheValidator
    route: Route
    actor: Actor
    tenant: str
    compiled: CompiledContext
    generation: int


class ResponseCache:
    """Keeps answers within `room` bytes, in two generations: when the young one is full the old one goes."""

    def __init__(self, room: int) -> None:
        self._room = self._left = room // 2
        self._young: dict[Question, CachedResponse] = {}
        self._old: dict[Question, CachedResponse] = {}
        self.hits = 0
        self.misses = 0

    def find(self, question: Question) -> CachedResponse | None:
        """Give what was kept, whether or not it still stands."""
        kept = self._young.get(question)
        if kept is None and question in self._old:
            kept = self._old.pop(question)
            self.keep(question, kept)
        return kept

    def keep(self, question: Question, kept: CachedResponse) -> None:
        """Keep an answer unless it is large."""
        size = _size(question, kept.reply)
        if size > self._room // 50:
            return
        if size > self._left:
            self._old, self._young, self._left = self._young, {}, self._room
        self._left -= size
        self._young[question] = kept


def _size(question: Question, reply: Response) -> int:
    words = sum([len(each) for each in question if each])
    fields = sum([len(name) + len(value) for name, value in reply.headers])
    return OVERHEAD_BYTES + words + fields + len(reply.body)
