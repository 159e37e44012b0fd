"""One browser: what it wants to see, what waits for it, and how it is told without ever holding up the city.

A first change after quiet goes at once, the next ones together after a short interval. While a browser is slow, updates
of one object replace each other; when even so too much waits, it is told to query afresh.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto

from rhinecloud.kernel.actor import Actor
from rhinecloud.live.rendered_change import RenderedChange
from rhinecloud.live.settings import LiveSettings
from rhinecloud.ngsild.box import Box
from rhinecloud.ngsild.change import ChangeKind
from rhinecloud.policy import Action, Authorization

SendText = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class LiveFilter:
    """What a browser wants to see: types as IRIs (empty: all) within a box (None: everywhere).

    Changes of the types `everywhere`, and of the entities `ids`, are wanted wherever they are.
    """

    types: frozenset[str] = frozenset()
    box: Box | None = None
    everywhere: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()


class Range(Enum):
    """Where changes of some types are wanted."""

    FORBIDDEN = auto()
    NOWHERE = auto()
    IN_BOX = auto()
    EVERYWHERE = auto()


class Shown(Enum):
    """How a change is shown."""

    WHOLE = auto()
    LEFT = auto()
    """The entity has left the box."""
    WITHDRAWN = auto()
    """The browser may no longer see the entity."""


class LiveClient:
    """A connected browser; it gets nothing before it has said what it wants.

    `doubted` is set when its rights may have changed.
    """

    def __init__(self, actor: Actor, tenant: str, policy: Authorization, settings: LiveSettings) -> None:
        self.actor = actor
        self.tenant = tenant
        self.doubted = asyncio.Event()
        self._policy = policy
        self._settings = settings
        self._filter: LiveFilter | None = None
        self._seen = 0
        self._queue: dict[tuple[str, int], tuple[RenderedChange, Shown]] = {}
        self._ranges: dict[tuple[str, ...], Range] = {}
        self._must_resync = False
        self._ready = asyncio.Event()

    def want(self, wanted: LiveFilter, missed: Iterable[RenderedChange] | None, last: int) -> None:
        """Take a filter and what was missed since; None when that is not available any more.

        `last` is the newest change that is contained in `missed`.
        """
        self._queue.clear()
        self.change_filter(wanted)
        if missed is None:
            self.resync(last)
        else:
            self.offer(missed, last)

    def change_filter(self, wanted: LiveFilter) -> None:
        """Take another filter from now on; what is queued is sent still."""
        self._filter = wanted
        self._ranges.clear()

    @property
    def has_filter(self) -> bool:
        """Return whether the browser has said what it wants."""
        return self._filter is not None

    def resync(self, last: int) -> None:
        """Have the browser query afresh, and go on from there."""
        self._seen = last
        self._queue.clear()
        self._must_resync = True
        self._ready.set()

    def offer(self, pictures: Iterable[RenderedChange], last: int) -> None:
        """Queue those of the changes that the browser wants and may see."""
        self._seen = last
        wanted = self._filter
        if wanted is None:
            return
        for picture in pictures:
            found = self._range_of(wanted, picture.types)
            if found is Range.FORBIDDEN or picture.tenant != self.tenant:
                continue
            may_see = self._may_see(picture)
            if found is Range.EVERYWHERE or picture.id in wanted.ids:
                self._put(picture, Shown.WHOLE, may_see)
            elif found is Range.IN_BOX and wanted.box is not None:
                self._put_within(picture, wanted.box, may_see)
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
        bodies = ",".join([_body(*each) for each in queue.values()])
        return f'{{"type":"changes","cursor":{self._seen},"changes":[{bodies}]}}' if queue else ""

    def _may_see(self, picture: RenderedChange) -> Shown | None:
        """Return WHOLE where the actor may see the entity, WITHDRAWN where it only could before, else None."""
        policy, types = self._policy, picture.types
        if not policy.answer(self.actor, Action.READ, self.tenant, types).is_open:
            return Shown.WHOLE
        before, now = picture.facts(policy.facts)
        if policy.decide(self.actor, Action.READ, self.tenant, types, now).allowed:
            return Shown.WHOLE
        was_visible = policy.decide(self.actor, Action.READ, self.tenant, types, before).allowed
        return Shown.WITHDRAWN if was_visible and picture.kind is not ChangeKind.CREATED else None

    def _put(self, picture: RenderedChange, shown: Shown, may_see: Shown | None) -> None:
        """Queue a change: an update replaces an older update of the same object, a birth or an end stands alone."""
        if may_see is None:
            return
        if picture.kind is ChangeKind.UPDATED:
            key = (picture.id, 0)
            self._queue.pop(key, None)
        else:
            key = (picture.id, picture.seq)
        self._queue[key] = (picture, shown if may_see is Shown.WHOLE else may_see)

    def _put_within(self, picture: RenderedChange, box: Box, may_see: Shown | None) -> None:
        if picture.is_within(box):
            self._put(picture, Shown.WHOLE, may_see)
        elif picture.has_left(box):
            self._put(picture, Shown.LEFT, may_see)

    def _range_of(self, wanted: LiveFilter, types: tuple[str, ...]) -> Range:
        found = self._ranges.get(types)
        if found is None:
            found = self._ranges[types] = self._find_range(wanted, types)
        return found

    def _find_range(self, wanted: LiveFilter, types: tuple[str, ...]) -> Range:
        answer = self._policy.answer(self.actor, Action.READ, self.tenant, types)
        if not (answer.is_open or answer.allowed):
            return Range.FORBIDDEN
        if not wanted.everywhere.isdisjoint(types):
            return Range.EVERYWHERE
        if wanted.types and wanted.types.isdisjoint(types):
            return Range.NOWHERE
        return Range.EVERYWHERE if wanted.box is None else Range.IN_BOX


def _body(picture: RenderedChange, shown: Shown) -> str:
    if shown is Shown.WITHDRAWN:
        return picture.withdrawn()
    return picture.body(left=shown is Shown.LEFT)
