"""The bytes that every document contains that matches a term of a query: found in it without reading it as JSON."""

from __future__ import annotations

from rhinecloud.ngsild.expression import Expression
from rhinecloud.ngsild.stored import attribute_bytes, string_bytes
from rhinecloud.ngsild.terms import Equality, Exists, Literal, Matches, Order
from rhinecloud.store.terms import TIMES


def is_plain_text(literal: object) -> bool:
    """Return whether a value of a query is a text that is compared by letters, and not a time."""
    return isinstance(literal, Literal) and isinstance(literal.value, str) and literal.moment is None


def contained(term: Expression) -> tuple[bytes, ...]:
    """Return bytes of which at least one is in each document that matches a term; nothing where that is not known."""
    if not isinstance(term, Equality | Order | Exists | Matches) or term.path.iris[0] in TIMES:
        return ()
    if isinstance(term, Equality) and not term.negated and all(map(is_plain_text, term.wanted)):
        literals = [each for each in term.wanted if isinstance(each, Literal)]
        texts = [text for each in literals for text in (str(each.value), each.expanded)]
        return tuple(string_bytes(each) for index, each in enumerate(texts) if each or index % 2 == 0)
    return (attribute_bytes(term.path.iris[0]),)
