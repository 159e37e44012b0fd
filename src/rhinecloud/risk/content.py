"""The content kind of risk: the rules of packs."""

from __future__ import annotations

from pathlib import Path

from rhinecloud.kernel.declarative import all_of
from rhinecloud.part import ContentKind, ContentSource
from rhinecloud.risk.model import Rule
from rhinecloud.risk.rule_document import RuleDocument
from rhinecloud.risk.rulebook import read_rules


def _read(path: Path, source: ContentSource) -> tuple[Rule, ...]:
    rules, faults = read_rules(path, source.context, source.place(path), own=True)
    if faults:
        raise all_of(faults)
    return tuple(rules)


RULES: ContentKind[tuple[Rule, ...]] = ContentKind(
    folder="rules",
    pattern="**/*.y*ml",
    summary="Rules that watch the city: one in a file, or several between lines of `---`.",
    read=_read,
    model=RuleDocument,
    reload=True,
    in_city=False,  # the city's own files are named by `risk.rules`
)
