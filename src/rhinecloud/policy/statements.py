"""Cedar files as single statements, each with its owner and line: Cedar's own messages name neither."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cedarpy

from rhinecloud.kernel.errors import Invalid

Node = dict[str, Any]
"""A policy, or a part of one, in Cedar's JSON format."""

_TOKEN = re.compile(r'//[^\n]*|"(?:\\.|[^"\\])*"|;|\n|.', re.DOTALL)
_QUOTED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class PolicySource:
    """Policies as text; `owner` is the name of a part or pack, or a file of the city such as `policies/night.cedar`."""

    owner: str
    text: str


@dataclass(frozen=True, slots=True)
class PolicyStatement:
    """One `permit` or `forbid`, parsed.

    `line` counts from 1 in the text of its owner, `ordinal` from 1 among the statements that begin on that line.
    """

    owner: str
    line: int
    text: str
    body: Node
    ordinal: int = 1

    @property
    def id(self) -> str:
        """The text of its `@id`, or else owner and line."""
        name: str = self.body.get("annotations", {}).get("id", "")
        return name or self.place

    @property
    def place(self) -> str:
        """Owner and line, with the ordinal of the second and later statements of a line; `Policies` keys by it."""
        return f"{self.owner}:{self.line}{f':{self.ordinal}' if self.ordinal > 1 else ''}"

    def line_of(self, message: str) -> int:
        """Return the line of the statement that a message of Cedar is about, as far as its quoted words tell."""
        words = [
            word.strip('"') for quoted in _QUOTED.findall(message) for word in re.split(r"::|\.", quoted)
        ]
        for word in reversed(words):
            for number, text in enumerate(self.text.splitlines()):
                if re.search(rf"\b{re.escape(word)}\b", text):
                    return self.line + number
        return self.line


def read_statements(source: PolicySource) -> list[PolicyStatement]:
    """Parse a text into its statements; raise Invalid with owner, line and Cedar's message."""
    statements = []
    ordinals: Counter[int] = Counter()
    for line, text in _split(source.text):
        ordinals[line] += 1
        body = _parse(source.owner, line, text)
        statements.append(PolicyStatement(source.owner, line, text, body, ordinals[line]))
    return statements


def _parse(owner: str, line: int, text: str) -> Node:
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        at = PolicyStatement(owner, line, text, {}).line_of(str(error))
        raise Invalid(f"line {at}: {error}", field=owner) from None
    policies: dict[str, Node] = parsed["staticPolicies"]
    if parsed["templates"] or len(policies) != 1:
        raise Invalid(f"line {line}: must be a policy without ?principal or ?resource", field=owner)
    return next(iter(policies.values()))


def _split(text: str) -> Iterator[tuple[int, str]]:
    """Yield each statement with its first line; comments and blank lines before it are left out."""
    line, start, current = 1, 1, ""
    for token in _TOKEN.findall(text):
        is_blank = token.isspace() or token.startswith("//")
        if not current and not is_blank:
            start = line
        if current or not is_blank:
            current += token
        line += token.count("\n")
        if token == ";":
            yield start, current
            current = ""
    if current.strip():
        yield start, current
