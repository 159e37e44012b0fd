"""Collects several faults, so that all of them are reported at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from rhinecloud.kernel.errors import Invalid

MOST_NAMED = 50
"""The most names that a message lists."""


class Faults(Invalid):
    """More than one thing is wrong; `reason` and `field` are the first one's."""

    def __init__(self, faults: Sequence[Invalid]) -> None:
        super().__init__(faults[0].reason, field=faults[0].field)
        self.args = ("\n".join(str(each) for each in faults),)
        self._faults = tuple(faults)

    @property
    def faults(self) -> Sequence[Invalid]:
        """Return every fault by itself."""
        return self._faults


class ErrorCollector:
    """Continues after a fault, to find the others."""

    def __init__(self) -> None:
        self.found: list[Invalid] = []

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Keep an Invalid that is raised within, and continue."""
        try:
            yield
        except Invalid as error:
            self.found.extend(error.faults)

    def add(self, reason: str, field: str) -> None:
        """Add a fault."""
        self.found.append(Invalid(reason, field=field))

    def finish(self) -> None:
        """Raise Invalid for one fault, Faults for several; return where there is none."""
        if self.found:
            raise self.error()

    def error(self) -> Invalid:
        """Return what was found as one error."""
        return self.found[0] if len(self.found) == 1 else Faults(self.found)


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Return the reason for an unknown name, with the nearest known one, else all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 1, 0.6)
    hint = f"known here: {', '.join(names) or 'none'}"
    if near:
        hint = f"did you mean `{near[0]}`?"
    elif len(names) > MOST_NAMED:
        hint = f"{len(names)} are known here"
    return f"unknown {what}; {hint}"
