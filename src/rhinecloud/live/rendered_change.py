"""A change as browsers get it: rendered once, when the first browser needs it."""

from __future__ import annotations

from collections.abc import Callable

import orjson
from msgspec.structs import replace

from rhinecloud.ngsild.box import Box, box_of, touches
from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.options import LOCATION, Options
from rhinecloud.ngsild.rendering import render
from rhinecloud.policy import Facts

_SIMPLE = Options(form="simplified")


class RenderedChange:
    """One change; `place` is the bounding box of the entity now, `before` the former one; None without a location."""

    __slots__ = (
        "_body",
        "_change",
        "_context",
        "_facts",
        "before",
        "id",
        "kind",
        "place",
        "seq",
        "tenant",
        "types",
    )

    def __init__(self, change: Change, context: Context) -> None:
        self.seq = change.seq
        self.id = change.entity.id
        self.kind = change.kind
        self.tenant = change.tenant
        self.types = tuple(change.entity.type)
        self.place = box_of(change.entity.attrs.get(LOCATION))
        moved = LOCATION in change.previous
        self.before = box_of(change.previous[LOCATION]) if moved else self.place
        if change.kind is ChangeKind.CREATED:
            self.before = None
        self._change = change
        self._context = context
        self._body: str | None = None
        self._facts: tuple[Facts, Facts] | None = None

    def facts(self, read: Callable[[Entity], Facts]) -> tuple[Facts, Facts]:
        """Return what policies look at in the entity, as it was before and as it is."""
        if self._facts is None:
            entity, before = self._change.entity, {**self._change.entity.attrs}
            for name in self._change.changed:
                before.pop(name, None)
            before.update(self._change.previous)
            self._facts = (read(replace(entity, attrs=before)), read(entity))
        return self._facts

    def is_within(self, box: Box | None) -> bool:
        """Return whether the entity touches the box; one without a location touches every box."""
        return box is None or self.place is None or touches(self.place, box)

    def has_left(self, box: Box | None) -> bool:
        """Return whether the entity left the box by this change."""
        return (
            box is not None
            and self.before is not None
            and touches(self.before, box)
            and not self.is_within(box)
        )

    def body(self, *, left: bool = False) -> str:
        """Return the JSON of the change; `left` marks that the entity has left the browser's box."""
        if self._body is None:
            self._body = self._render()
        return f'{{"left":true,{self._body[1:]}' if left else self._body

    def withdrawn(self) -> str:
        """Return the JSON that removes the entity from a browser that may no longer see it, without any content."""
        change = self._change
        types = [self._context.compact(each) for each in change.entity.type]
        entity = {"id": change.entity.id, "type": types[0] if len(types) == 1 else types}
        shown = {"left": True, "seq": change.seq, "kind": change.kind, "id": change.entity.id, "type": types}
        return orjson.dumps({**shown, "at": change.at, "changed": [], "entity": entity}).decode()

    def _render(self) -> str:
        change, context = self._change, self._context
        shown = {
            "seq": change.seq,
            "kind": change.kind,
            "id": change.entity.id,
            "type": [context.compact(each) for each in change.entity.type],
            "at": change.at,
            "changed": [context.compact(each) for each in change.changed],
            "entity": render(change.entity, context, _SIMPLE),
        }
        return orjson.dumps(shown).decode()
