"""One browser: its filter, and the changes that wait for it, however slow it is.

The first change after a pause is sent at once, the next ones together after a short interval. While a browser is slow,
updates of one entity replace each other; when too much waits all the same, it must query again.
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
from rhinecloud.policy import Authorization, CoreAction

SendText = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class LiveFilter:
    """What a browser shows: types as IRIs (empty: all) within a box (None: everywhere).

    Changes of the types `everywhere`, and of the entities `ids`, are wanted wherever they are.
    """

    types: frozenset[str] = frozenset()
    box: Box | None = None
    everywhere: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()


class Coverage(Enum):
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
    """A connected browser; it gets nothing before it has subscribed.

    `rights_changed` is set when its rights may have changed.
    """

    def __init__(self, actor: Actor, tenant: str, policy: Authorization, settings: LiveSettings) -> None:
        self.actor = actor
        self.tenant = tenant
        self.rights_changed = asyncio.Event()
        self._policy = policy
        self._settings = settings
        self._filter: LiveFilter | None = None
        self._seen = 0
        self._queue: dict[tuple[str, int], tuple[RenderedChange, Shown]] = {}
        self._ranges: dict[tuple[str, ...], Coverage] = {}
        self._must_resync = False
        self._city_changed = False
        self._ready = asyncio.Event()

    def subscribe(self, wanted: LiveFilter, missed: Iterable[RenderedChange] | None, last: int) -> None:
        """Set the filter, and queue what was missed; None when that is no longer held.

        `last` is the newest change that `missed` contains.
        """
        self._queue.clear()
        self.change_filter(wanted)
        if missed is None:
            self.resync(last)
        else:
            self.offer(missed, last)

    def change_filter(self, wanted: LiveFilter) -> None:
        """Set another filter; what is queued is still sent."""
        self._filter = wanted
        self._ranges.clear()

    @property
    def has_filter(self) -> bool:
        """Return whether the browser has subscribed."""
        return self._filter is not None

    def resync(self, last: int) -> None:
        """Drop what is queued and let the browser query again; it goes on after `last`."""
        self._seen = last
        self._queue.clear()
        self._must_resync = True
        self._ready.set()

    def announce_city(self) -> None:
        """Send that the city was reloaded, before anything else that is queued."""
        self._city_changed = True
        self._ready.set()

    def offer(self, changes: Iterable[RenderedChange], last: int) -> None:
        """Queue the changes that pass the filter and that the actor may read."""
        self._seen = last
        wanted = self._filter
        if wanted is None:
            return
        for change in changes:
            found = self._range_of(wanted, change.types)
            if found is Coverage.FORBIDDEN or change.tenant != self.tenant:
                continue
            may_see = self._may_see(change)
            if found is Coverage.EVERYWHERE or change.id in wanted.ids:
                self._put(change, Shown.WHOLE, may_see)
            elif found is Coverage.IN_BOX and wanted.box is not None:
                self._put_within(change, wanted.box, may_see)
        if len(self._queue) > self._settings.queue:
            self.resync(last)
        elif self._queue:
            self._ready.set()

    async def send_changes(self, send: SendText) -> None:
        """Send what is queued, for ever. Raise TimeoutError when the browser accepts no more data."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            message = self._next_message()
            if message:
                async with asyncio.timeout(self._settings.send_timeout_s):
                    await send(message)
            await asyncio.sleep(self._settings.interval_s)

    def _next_message(self) -> str:
        if self._city_changed:
            self._city_changed = False
            self._ready.set()
            return '{"type":"city"}'
        if self._must_resync:
            self._must_resync = False
            self._queue.clear()
            return f'{{"type":"resync","cursor":{self._seen}}}'
        queue, self._queue = self._queue, {}
        bodies = ",".join([_body(*each) for each in queue.values()])
        return f'{{"type":"changes","cursor":{self._seen},"changes":[{bodies}]}}' if queue else ""

    def _may_see(self, change: RenderedChange) -> Shown | None:
        """Return WHOLE where the actor may see the entity, WITHDRAWN where it only could before, else None."""
        policy, types = self._policy, change.types
        if not policy.answer(self.actor, CoreAction.READ, self.tenant, types).is_open:
            return Shown.WHOLE
        before, now = change.facts(policy.facts)
        if policy.decide(self.actor, CoreAction.READ, self.tenant, types, now).allowed:
            return Shown.WHOLE
        was_visible = policy.decide(self.actor, CoreAction.READ, self.tenant, types, before).allowed
        return Shown.WITHDRAWN if was_visible and change.kind is not ChangeKind.CREATED else None

    def _put(self, change: RenderedChange, shown: Shown, may_see: Shown | None) -> None:
        """Queue a change: an update replaces an older update of the same entity; creation and deletion stay."""
        if may_see is None:
            return
        if change.kind is ChangeKind.UPDATED:
            key = (change.id, 0)
            self._queue.pop(key, None)
        else:
            key = (change.id, change.seq)
        self._queue[key] = (change, shown if may_see is Shown.WHOLE else may_see)

    def _put_within(self, change: RenderedChange, box: Box, may_see: Shown | None) -> None:
        if change.is_within(box):
            self._put(change, Shown.WHOLE, may_see)
        elif change.has_left(box):
            self._put(change, Shown.LEFT, may_see)

    def _range_of(self, wanted: LiveFilter, types: tuple[str, ...]) -> Coverage:
        found = self._ranges.get(types)
        if found is None:
            found = self._ranges[types] = self._find_range(wanted, types)
        return found

    def _find_range(self, wanted: LiveFilter, types: tuple[str, ...]) -> Coverage:
        answer = self._policy.answer(self.actor, CoreAction.READ, self.tenant, types)
        if not (answer.is_open or answer.allowed):
            return Coverage.FORBIDDEN
        if not wanted.everywhere.isdisjoint(types):
            return Coverage.EVERYWHERE
        if wanted.types and wanted.types.isdisjoint(types):
            return Coverage.NOWHERE
        return Coverage.EVERYWHERE if wanted.box is None else Coverage.IN_BOX


def _body(change: RenderedChange, shown: Shown) -> str:
    if shown is Shown.WITHDRAWN:
        return change.withdrawn()
    return change.body(left=shown is Shown.LEFT)
