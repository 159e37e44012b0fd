"""The names that a rule may use: attributes of its entity types, and the facts of the engine."""

from __future__ import annotations

import difflib
from typing import Any

from rhinecloud.expressions import Reference
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context
from rhinecloud.risk.condition import FACTS, attribute_of
from rhinecloud.risk.window import FIGURES


class Vocabulary:
    """The names of one rule. Where the context does not define the entity type, any attribute name is valid."""

    def __init__(
        self, context: Context, types: tuple[str, ...], own: frozenset[str], has_window: bool
    ) -> None:
        """`own` are attributes that the rule itself declares."""
        self._context = context
        self._own = own
        self._has_window = has_window
        self._is_closed = bool(types) and all(map(context.knows, types))

    def attribute(self, name: Any) -> str:
        """Return a known attribute name; raise Invalid with the nearest known name."""
        if not isinstance(name, str):
            raise Invalid(f"must be an attribute's name, not {name!r}")
        if not self._is_closed or name in self._own or self._context.knows(name):
            self._context.name(name)
            return name
        near = difflib.get_close_matches(name, [*self._context.terms(), *FACTS], 1)
        hint = (
            f"did you mean `{near[0]}`?" if near else f"if your feed brings it, write `attributes: [{name}]`"
        )
        raise Invalid(f"no attribute `{name}` is known; {hint}")

    def fault_of(self, reference: Reference) -> str:
        """Return the reason why a name is invalid, '' where it is valid."""
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
