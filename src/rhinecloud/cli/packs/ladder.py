"""The quality ladder of packs: what a good pack has, in three tiers, and what a machine can verify of it.

A pack marks each rule as done, todo, or exempt with a reason in the table `[quality]` of its manifest. The idea is Home
Assistant's integration quality scale.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from rhinecloud.broker.content import TYPES
from rhinecloud.cli.packs.trial import TrialResult, cases_of, fragile, mappings_of, run_trials
from rhinecloud.loader.manifest import Exemption
from rhinecloud.loader.model import LoadedPack
from rhinecloud.ngsild.context import compile_context
from rhinecloud.ngsild.documents import core_vocabulary
from rhinecloud.risk.content import RULES
from rhinecloud.views.content import LAYERS, TEXTS

SOURCE = "SOURCE.md"
LANGUAGES = ("de", "en")

Verify = Callable[["PackUnderCheck"], Iterator[str]]
"""Yields what is missing for a rule to be fulfilled."""


class Tier(StrEnum):
    """A tier of the ladder; each needs those before it."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"


@dataclass(frozen=True, slots=True)
class QualityRule:
    """One rule; `verify` is None where only a person can tell."""

    name: str
    tier: Tier
    summary: str
    verify: Verify | None = None


@dataclass(slots=True)
class PackUnderCheck:
    """A pack, with what its recordings became."""

    pack: LoadedPack
    trials: list[TrialResult] = field(default_factory=list)

    def items(self, folder: str) -> list[Any]:
        """Return the values of its files of a kind."""
        return [item.value for item in self.pack.items.get(folder, ())]


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """How a pack stands to a rule: its own `mark` (`done`, `todo`, `exempt`, '' for none) and what is missing."""

    rule: QualityRule
    mark: str
    reason: str
    missing: tuple[str, ...]

    @property
    def problem(self) -> str:
        """Return what is wrong with the mark, '' for nothing."""
        if not self.mark:
            return "is not marked: done, todo, or exempt with a reason"
        if self.mark == "done" and self.missing:
            return f"is marked done, and is not: {'; '.join(self.missing)}"
        return ""


@dataclass(frozen=True, slots=True)
class PackReport:
    """The verdicts on every rule, and the highest tier that is reached ('' for none)."""

    verdicts: tuple[RuleVerdict, ...]
    unknown: tuple[str, ...]
    tier: str

    @property
    def problems(self) -> list[str]:
        """Return what is wrong with the marks."""
        strange = [f"{name}: there is no such rule of quality" for name in self.unknown]
        return [*strange, *(f"{each.rule.name}: {each.problem}" for each in self.verdicts if each.problem)]


def grade(pack: LoadedPack) -> PackReport:
    """Return the grade of a pack: its own marks compared with what the checks find."""
    subject = PackUnderCheck(pack, run_trials(pack))
    verdicts = tuple(_verdict(rule, subject) for rule in LADDER)
    known = {rule.name for rule in LADDER}
    strange = tuple(sorted(pack.manifest.quality.keys() - known))
    return PackReport(verdicts, strange, _reached(verdicts))


def _verdict(rule: QualityRule, subject: PackUnderCheck) -> RuleVerdict:
    mark = subject.pack.manifest.quality.get(rule.name, "")
    if isinstance(mark, Exemption):
        return RuleVerdict(rule, "exempt", mark.exempt, ())
    return RuleVerdict(rule, mark, "", tuple(rule.verify(subject)) if rule.verify else ())


def _reached(verdicts: tuple[RuleVerdict, ...]) -> str:
    reached = ""
    for tier in Tier:
        if not all(
            each.mark in ("done", "exempt") and not each.problem
            for each in verdicts
            if each.rule.tier is tier
        ):
            break
        reached = tier.value
    return reached


def _manifest(subject: PackUnderCheck) -> Iterator[str]:
    manifest = subject.pack.manifest
    if not manifest.pack.description:
        yield "pack.description is missing"
    if mappings_of(subject.pack) and not manifest.data:
        yield "[[data]] names no source with its licence"


def _imports(subject: PackUnderCheck) -> Iterator[str]:
    root = subject.pack.pack.root
    for path in sorted(root.rglob("*.py")):
        for name in _imported(path):
            if name.split(".")[0] == "rhinecloud" and name != "rhinecloud.pack":
                yield f"{path.relative_to(root)} imports {name}"


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _types(subject: PackUnderCheck) -> Iterator[str]:
    described = {schema.name for schema in subject.items(TYPES.folder)}
    for name in subject.pack.manifest.pack.writes:
        if name not in described:
            yield f"there is no types/{name}.json"


def _fixtures(subject: PackUnderCheck) -> Iterator[str]:
    cases = cases_of(subject.pack)
    tested = {each.case.mapping for each in cases}
    for name in mappings_of(subject.pack):
        if name not in tested:
            yield f"no recording tests the mapping {name}"
    source = subject.pack.pack.root / "fixtures" / SOURCE
    said = source.read_text(encoding="utf-8") if source.is_file() else ""
    for each in cases:
        if each.case.file not in said:
            yield f"fixtures/{SOURCE} does not say where {each.case.file} is from"


def _recordings(subject: PackUnderCheck) -> Iterator[str]:
    for trial in subject.trials:
        yield from (f"{trial.name}: {fault}" for fault in trial.faults)


def _texts(subject: PackUnderCheck) -> Iterator[str]:
    core = compile_context(core_vocabulary()["@context"], {})
    schemas = subject.items(TYPES.folder)
    attributes = {name for schema in schemas for name in schema.properties if not core.knows(name)}
    found = {item.path.stem: item.value for item in subject.pack.items.get(TEXTS.folder, ())}
    for language in LANGUAGES:
        if language not in found:
            yield f"there is no texts/{language}.json"
            continue
        named = {*found[language].types, *found[language].attributes}
        missing = sorted(({schema.name for schema in schemas} | attributes) - named)
        if missing:
            yield f"texts/{language}.json names no {', '.join(missing)}"


def _layers(subject: PackUnderCheck) -> Iterator[str]:
    drawn = {name for layer in subject.items(LAYERS.folder) for name in layer.types}
    for schema in subject.items(TYPES.folder):
        if "location" in schema.properties and schema.name not in drawn:
            yield f"no layer shows {schema.name}"
    for layer in subject.items(LAYERS.folder):
        missing = set(LANGUAGES) - set(layer.title)
        if missing:
            yield f"the layer {layer.id} has no title in {', '.join(sorted(missing))}"


def _rules(subject: PackUnderCheck) -> Iterator[str]:
    if not subject.items(RULES.folder):
        yield "there are no rules"


def _alerts(subject: PackUnderCheck) -> Iterator[str]:
    fired = {rule for trial in subject.trials for rule in trial.alerts}
    for rules in subject.items(RULES.folder):
        for rule in rules:
            if rule.id not in fired:
                yield f"no recording sets off the rule {rule.id}"


def _damage(subject: PackUnderCheck) -> Iterator[str]:
    yield from fragile(subject.pack)


LADDER: tuple[QualityRule, ...] = (
    QualityRule(
        "manifest",
        Tier.BRONZE,
        "The manifest describes the pack and names its sources and licences",
        _manifest,
    ),
    QualityRule("imports", Tier.BRONZE, "Of ours it imports rhinecloud.pack alone", _imports),
    QualityRule("types", Tier.BRONZE, "Each type that it writes has a JSON Schema", _types),
    QualityRule(
        "fixtures", Tier.BRONZE, "Each mapping is tested by a recording of the real source", _fixtures
    ),
    QualityRule(
        "recordings",
        Tier.BRONZE,
        "Recordings become the expected entities, which fit their types",
        _recordings,
    ),
    QualityRule("texts", Tier.BRONZE, "Types and attributes have names in German and English", _texts),
    QualityRule("layers", Tier.SILVER, "What has a place is on the map", _layers),
    QualityRule("rules", Tier.SILVER, "Rules watch it", _rules),
    QualityRule("damage", Tier.SILVER, "Damaged input is refused, and stops nothing", _damage),
    QualityRule("simulator", Tier.SILVER, "The simulator plays it"),
    QualityRule("alerts", Tier.GOLD, "A recording sets off each rule", _alerts),
    QualityRule("procedures", Tier.GOLD, "Each kind of incident that its rules call for has a procedure"),
    QualityRule("indicators", Tier.GOLD, "Its indicators move with its data"),
    QualityRule(
        "operators", Tier.GOLD, "A page tells operators how to connect the source and what can go wrong"
    ),
)
"""Every rule, tier by tier."""
