"""Which names mean something in a rule: its entity types' attributes and what the engine itself knows."""

from __future__ import annotations

import difflib
from typing import Any

from rhinecloud.expressions import Reference
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context
from rhinecloud.risk.condition import FACTS, attribute_of
from rhinecloud.risk.window import FIGURES


class Vocabulary:
    """The names of one rule. Where the context does not know the entity type, any attribute may be its own."""

    def __init__(
        self, context: Context, types: tuple[str, ...], own: frozenset[str], has_window: bool
    ) -> None:
        """`own` are attributes that the rule itself declares."""
        self._context = context
        self._own = own
        self._has_window = has_window
        self._is_closed = bool(types) and all(map(context.knows, types))

    def attribute(self, name: Any) -> str:
        """Pass a known attribute name on; raises Invalid with the nearest known name."""
        if not isinstance(name, str):
            raise Invalid(f"{name!r} is not an attribute's name")
        if not self._is_closed or name in self._own or self._context.knows(name):
            self._context.name(name)
            return name
        near = difflib.get_close_matches(name, [*self._context.terms(), *FACTS], 1)
        hint = (
            f"did you mean `{near[0]}`?" if near else f"if your feed brings it, write `attributes: [{name}]`"
        )
        raise Invalid(f"no attribute `{name}` is known; {hint}")

    def fault_of(self, reference: Reference) -> str:
        """Say why a name means nothing here, '' when it means something."""
        head = reference.path[0]
        if head == "window" and not self._has_window:
            return "`window` needs the key `window:` with `attribute` and `over`"
        if head == "window" and len(reference.path) > 1 and reference.path[1] not in FIGURES:
            return f"`window` has no `{reference.path[1]}`; it has {', '.join(sorted(FIGURES))}"
        attribute = attribute_of(reference)
        if attribute in ("", "location"):
            return ""
        try:
            self.attribute(attribute)
        except Invalid as error:
            return error.reason
        return ""
