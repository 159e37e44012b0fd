"""Several faults told at once, so that who mends a file does not find them one by one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from rhinecloud.kernel.errors import Invalid

MOST_NAMED = 50
"""More names than these are not listed."""


class Faults(Invalid):
    """More than one thing is wrong; `reason` and `field` are the first one's."""

    def __init__(self, faults: Sequence[Invalid]) -> None:
        super().__init__(faults[0].reason, field=faults[0].field)
        self.args = ("\n".join(str(each) for each in faults),)
        self._faults = tuple(faults)

    @property
    def faults(self) -> Sequence[Invalid]:
        """Give all that is wrong, each by itself."""
        return self._faults


class ErrorCollector:
    """Goes on after a fault, to find the others too."""

    def __init__(self) -> None:
        self.found: list[Invalid] = []

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Keep what is raised as Invalid within."""
        try:
            yield
        except Invalid as error:
            self.found.extend(error.faults)

    def add(self, reason: str, field: str) -> None:
        """Keep a fault."""
        self.found.append(Invalid(reason, field=field))

    def finish(self) -> None:
        """Pass in silence where all is well; raises Invalid, or Faults for several."""
        if self.found:
            raise self.error()

    def error(self) -> Invalid:
        """Give what was found as one error."""
        return self.found[0] if len(self.found) == 1 else Faults(self.found)


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Say that a name is not known, with the nearest one that is, or else all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 1, 0.6)
    hint = f"known here: {', '.join(names) or 'none'}"
    if near:
        hint = f"did you mean `{near[0]}`?"
    elif len(names) > MOST_NAMED:
        hint = f"{len(names)} are known here"
    return f"unknown {what}; {hint}"
