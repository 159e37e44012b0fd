"""Finds where names, calls and numbers stand in the text of an expression that the library has parsed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from rhinecloud.expressions.expression import NamePath, Reference

_HIDDEN = re.compile(
    r"""//[^\n]*
    |[rRbB]{0,2}\"\"\"[\s\S]*?\"\"\"|[rRbB]{0,2}'''[\s\S]*?'''
    |[rR](?:"[^"\n]*"|'[^'\n]*')
    |[bB]?(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')""",
    re.VERBOSE,
)
_CHAIN = r"[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*"
_NAME = re.compile(rf"(?<![\w.])({_CHAIN})(\s*\()?")
_BOUND = re.compile(r"\.\s*(?:all|exists|exists_one|filter|map)\s*\(\s*([A-Za-z_]\w*)\s*,")
_GUARD = re.compile(rf"(?<![\w.])has\s*\(\s*({_CHAIN})\s*\)")
_NUMBER = r"(?<![\w.])(0[xX][0-9a-fA-F]+|\d+)(?![\w.])"
_NAME_THEN_NUMBER = re.compile(rf"(?<![\w.])({_CHAIN})\s*[-+*/%]\s*{_NUMBER}")
_NUMBER_THEN_NAME = re.compile(rf"{_NUMBER}\s*[-+*/%]\s*({_CHAIN})(?!\s*[(.\[\w])")


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of the text, and where it stands."""

    text: str
    line: int
    column: int


class ExpressionText:
    """The text of an expression without what stands in quotes and comments; `variables` are the library's."""

    def __init__(self, source: str, variables: Collection[str]) -> None:
        self.text = _HIDDEN.sub(lambda hidden: re.sub(r"[^\n]", " ", hidden[0]), source)
        self.bound = frozenset(_BOUND.findall(self.text))
        """Names that macros bind: the `t` of `tags.exists(t, t == "x")`."""
        self._variables = frozenset(variables) - self.bound

    def references(self, namespaces: Collection[str]) -> Iterator[Reference]:
        """Yield each path once that begins with a variable; a call ends it. `namespaces` are those of functions."""
        seen: set[NamePath] = set()
        for name, is_call in self._names():
            path = _path(name.text)
            path = path[:-1] if is_call else path
            if not path or path[0] not in self._variables or path in seen:
                continue
            if is_call and path[0] in namespaces:
                continue
            seen.add(path)
            yield Reference(path, name.line, name.column)

    def guards(self) -> frozenset[NamePath]:
        """Return the paths that the expression asks for with `has(…)`."""
        return frozenset(_path(found) for found in _GUARD.findall(self.text))

    def calls(self) -> Iterator[Found]:
        """Yield what is called, with its dots: `math.greatest`, `name.startsWith`, `size`."""
        for name, is_call in self._names(with_members=True):
            if is_call:
                yield Found(".".join(_path(name.text)), name.line, name.column)

    def whole_numbers_beside_names(self) -> Iterator[Found]:
        """Yield whole numbers that are added to, taken from, multiplied or divided with a variable."""
        for pattern, name, number in ((_NAME_THEN_NUMBER, 1, 2), (_NUMBER_THEN_NAME, 2, 1)):
            for found in pattern.finditer(self.text):
                if _path(found[name])[0] in self._variables:
                    yield self._found(found[number], found.start(number))

    def _names(self, *, with_members: bool = False) -> Iterator[tuple[Found, bool]]:
        for found in _NAME.finditer(self.text):
            is_member = self.text[: found.start()].rstrip().endswith(".")
            if with_members or not is_member:
                yield self._found(found[1], found.start()), found[2] is not None

    def _found(self, text: str, start: int) -> Found:
        line = self.text.count("\n", 0, start) + 1
        return Found(text, line, start - self.text.rfind("\n", 0, start))


def _path(text: str) -> NamePath:
    return tuple(part.strip() for part in text.split("."))
