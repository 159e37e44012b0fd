"""Names of types and attributes that are probably misspelt: a context does not define them, but one much like them."""

from __future__ import annotations

import difflib

from rhinecloud.ngsild.context import Context

SHORTEST = 5
"""Shorter names are much like many others: `pm1` is not a misspelt `pm10`."""
LIKENESS = 0.85


def misspelt(what: str, name: str, *contexts: Context) -> str:
    """Return the reason why a `what` of that name is probably misspelt; '' where it is not.

    A name that no context defines and that is like none may be one that a mapping of the city writes.
    """
    if len(name) < SHORTEST or ":" in name or any(context.knows(name) for context in contexts):
        return ""
    terms = sorted({term for context in contexts for term in context.terms()})
    near = difflib.get_close_matches(name, terms, 1, LIKENESS)
    if not near:
        return ""
    own = "if it is one of your own, name it in `context.jsonld`"
    return f"no {what} `{name}` is known; did you mean `{near[0]}`? {own}"
