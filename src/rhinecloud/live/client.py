"""One browser: what it wants to see, what waits for it, and how it is told without ever holding up the city.

A first change after quiet goes at once, the next ones together after a short interval. While a browser is slow, updates
of one object replace each other; when even so too much waits, it is told to query afresh.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from rhinecloud.kernel.actor import Actor
from rhinecloud.live.rendered_change import RenderedChange
from rhinecloud.live.settings import LiveSettings
from rhinecloud.ngsild.box import Box
from rhinecloud.ngsild.change import ChangeKind
from rhinecloud.policy import Action, Policy

SendText = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class LiveFilter:
    """What a browser wants to see: types as IRIs (empty: all), and a box (None: everywhere)."""

    types: frozenset[str] = frozenset()
    box: Box | None = None


class LiveClient:
    """A connected browser; it hears nothing before it has said what it wants.

    `doubted` is set when its rights may have changed.
    """

    def __init__(self, actor: Actor, tenant: str, policy: Policy, settings: LiveSettings) -> None:
        self.actor = actor
        self.tenant = tenant
        self.doubted = asyncio.Event()
        self._policy = policy
        self._settings = settings
        self._wish: LiveFilter | None = None
        self._seen = 0
        self._queue: dict[tuple[str, int], tuple[RenderedChange, bool]] = {}
        self._wanted_types: dict[tuple[str, ...], bool] = {}
        self._must_resync = False
        self._ready = asyncio.Event()

    def want(self, wish: LiveFilter, missed: Iterable[RenderedChange] | None, last: int) -> None:
        """Take a new wish, and what was missed since; None when that is not to be had any more.

        `last` is the newest change that is contained in `missed`.
        """
        self._wish = wish
        self._wanted_types.clear()
        self._queue.clear()
        if missed is None:
            self.resync(last)
        else:
            self.offer(missed, last)

    def resync(self, last: int) -> None:
        """Have the browser query afresh, and go on from there."""
        self._seen = last
        self._queue.clear()
        self._must_resync = True
        self._ready.set()

    def offer(self, pictures: Iterable[RenderedChange], last: int) -> None:
        """Queue those of the changes that the browser wants and may see."""
        self._seen = last
        wish = self._wish
        if wish is None:
            return
        box = wish.box
        wanted = self._wanted_types
        for picture in pictures:
            types = picture.types
            answer = wanted.get(types)
            if answer is None:
                answer = wanted[types] = self._wants(wish, types)
            if not answer or picture.tenant != self.tenant:
                continue
            if box is None or picture.is_within(box):
                self._put(picture, False)
            elif picture.has_left(box):
                self._put(picture, True)
        if len(self._queue) > self._settings.queue:
            self.resync(last)
        elif self._queue:
            self._ready.set()

    async def tell(self, send: SendText) -> None:
        """Send what waits, for ever; raises TimeoutError when the browser takes nothing any more."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            message = self._next_message()
            if message:
                async with asyncio.timeout(self._settings.send_timeout_s):
                    await send(message)
            await asyncio.sleep(self._settings.interval_s)

    def _next_message(self) -> str:
        if self._must_resync:
            self._must_resync = False
            self._queue.clear()
            return f'{{"type":"resync","cursor":{self._seen}}}'
        queue, self._queue = self._queue, {}
        bodies = ",".join([picture.body(left=left) for picture, left in queue.values()])
        return f'{{"type":"changes","cursor":{self._seen},"changes":[{bodies}]}}' if queue else ""

    def _put(self, picture: RenderedChange, left: bool) -> None:
        """Queue a change: an update replaces an older update of the same object, a birth or an end stands alone."""
        if picture.kind is ChangeKind.UPDATED:
            key = (picture.id, 0)
            self._queue.pop(key, None)
        else:
            key = (picture.id, picture.seq)
        self._queue[key] = (picture, left)

    def _wants(self, wish: LiveFilter, types: tuple[str, ...]) -> bool:
        if wish.types and wish.types.isdisjoint(types):
            return False
        return self._policy.allows(self.actor, Action.READ, self.tenant, types)
