"""Plays the recordings of a pack through codecs, mappings and rules, and says what differs from what is expected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rhinecloud.broker.content import TYPES
from rhinecloud.broker.entities.schema import SIMPLIFIED, EntitySchema
from rhinecloud.connectors.content import FIXTURES, MAPPINGS
from rhinecloud.connectors.fixtures import PlayedCase, RecordedCase, damaged, play, read_damaged
from rhinecloud.connectors.mapping import names_read
from rhinecloud.connectors.protocols import protocols
from rhinecloud.connectors.settings import ConnectorSettings, FeedSettings
from rhinecloud.kernel.errors import Invalid, RhineCloudError
from rhinecloud.kernel.faults import unknown
from rhinecloud.kernel.settings import read_section
from rhinecloud.kernel.time import format_time
from rhinecloud.loader.model import LoadedPack
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.parsing import parse_fragment
from rhinecloud.ngsild.rendering import render
from rhinecloud.pack import MakeCodec, Mapping
from rhinecloud.risk.backtest import backtest
from rhinecloud.risk.content import RULES
from rhinecloud.risk.model import OutcomeKind, Rule

MOST = 5
"""Of many faults of one kind so many are written out."""


@dataclass(frozen=True, slots=True)
class FixtureCase:
    """A recording of a pack: `place` is its TOML file, by which faults are found."""

    place: Path
    case: RecordedCase

    @property
    def file(self) -> Path:
        """Return the recording."""
        return self.place.parent / self.case.file


@dataclass(slots=True)
class TrialResult:
    """What became of one recording: entities by type, alerts by rule, and what differs from what is expected."""

    name: str
    messages: int = 0
    entities: dict[str, int] = field(default_factory=dict)
    alerts: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def cases_of(pack: LoadedPack) -> list[FixtureCase]:
    """Return every recording of a pack."""
    return [
        FixtureCase(item.path, case) for item in pack.items.get(FIXTURES.folder, ()) for case in item.value
    ]


def mappings_of(pack: LoadedPack) -> dict[str, Mapping]:
    """Return the mappings of a pack by their short names."""
    declared = {item.path.stem: item.value for item in pack.items.get(MAPPINGS.folder, ())}
    return {**declared, **pack.pack.mappings}


def run_trials(pack: LoadedPack) -> list[TrialResult]:
    """Play every recording of a pack."""
    return [_run(pack, each) for each in cases_of(pack)]


def fragile(pack: LoadedPack) -> list[str]:
    """Return what damaged copies of the recordings do to codecs and mappings, other than being refused."""
    found: list[str] = []
    for each in cases_of(pack):
        make_codec, mapping = _reader(pack, each)
        for body in damaged(each.file):
            try:
                read_damaged(body, each.case, make_codec, mapping)
            except Exception as error:  # noqa: BLE001 - a codec of others: whatever it raises is what is looked for
                found.append(f"{each.case.file}, damaged: {type(error).__name__}: {error}")
    return found


def _run(pack: LoadedPack, each: FixtureCase) -> TrialResult:
    result = TrialResult(each.case.file)
    try:
        make_codec, mapping = _reader(pack, each)
        played = play(each.case, each.place.parent, make_codec, mapping, mqtt=_is_mqtt(each.case))
    except RhineCloudError as error:
        result.faults.append(str(error))
        return result
    result.messages = played.messages
    result.faults += _faults_of_reading(each.case, played)
    history = _merge(pack, each.case, played, result)
    entities = list({change.entity.id: change.entity for change in history}.values())
    result.entities = dict(Counter(pack.context.compact(entity.type[0]) for entity in entities))
    result.faults += _faults_of_types(pack, entities)
    result.faults += _faults_of_counts("entities", each.case.entities, result.entities)
    result.faults += _faults_of_expectations(pack, each.case, entities)
    result.alerts = _alerts(pack, history)
    result.faults += [
        f"the rule {rule} must be set off, and is not"
        for rule in each.case.alerts
        if rule not in result.alerts
    ]
    return result


def _reader(pack: LoadedPack, each: FixtureCase) -> tuple[MakeCodec, Mapping]:
    """Return what makes the codec of a recording, and its mapping; raise Invalid."""
    case = each.case
    own = {f"{pack.name}.{name}": make for name, make in pack.pack.codecs.items()}
    known = protocols(own)
    if case.codec not in known:
        raise Invalid(unknown(f"codec {case.codec!r}", case.codec, known), field="codec")
    mappings = mappings_of(pack)
    if case.mapping not in mappings:
        raise Invalid(unknown(f"mapping {case.mapping!r}", case.mapping, mappings), field="mapping")
    table = {**case.feed, "connector": case.codec, "path": case.file}
    feed = read_section("feed", FeedSettings, table, {})
    limits = ConnectorSettings()
    mapping = mappings[case.mapping]
    return lambda: known[case.codec].make_codec(feed, limits, names_read(mapping)), mapping


def _is_mqtt(case: RecordedCase) -> bool:
    return case.codec == "mqtt" or case.feed.get("transport") == "mqtt"


def _faults_of_reading(case: RecordedCase, played: PlayedCase) -> Iterator[str]:
    if len(played.faults) != case.faults:
        yield f"faults: {case.faults} expected, {len(played.faults)} found"
        yield from (f"not usable: {fault.reason}" for fault in played.faults[:MOST])


def _merge(pack: LoadedPack, case: RecordedCase, played: PlayedCase, result: TrialResult) -> list[Change]:
    """Merge the fragments as the broker does, and return the changes."""
    present: dict[str, Entity] = {}
    changes: list[Change] = []
    for fragment in played.fragments:
        try:
            entity = parse_fragment(fragment, pack.context)
        except RhineCloudError as error:
            result.faults.append(f"{fragment.get('id', 'an entity')}: {error}")
            continue
        before = present.get(entity.id)
        if before is None and not entity.type:
            continue  # for an entity that exists, and none does
        now = _moment_of(entity) or format_time(case.received)
        patched = patch.update(before, entity, now) if before else patch.create(entity, now)
        present[entity.id] = patched.entity
        kind = ChangeKind.UPDATED if before else ChangeKind.CREATED
        changes.append(
            Change(
                seq=len(changes) + 1,
                kind=kind,
                at=now,
                entity=patched.entity,
                changed=list(patched.changed),
                previous=patched.previous,
            )
        )
    return changes


def _moment_of(entity: Entity) -> str:
    times = [instance.observed_at for instances in entity.attrs.values() for instance in instances]
    return max(filter(None, times), default="")


def _faults_of_types(pack: LoadedPack, entities: Iterable[Entity]) -> Iterator[str]:
    schemas: dict[str, EntitySchema] = {
        item.value.iri: item.value for item in pack.items.get(TYPES.folder, ())
    }
    writes = {pack.context.expand(name) for name in pack.manifest.pack.writes}
    said: Counter[str] = Counter()
    for entity in entities:
        name = pack.context.compact(entity.type[0])
        schema = schemas.get(entity.type[0])
        if entity.type[0] not in writes:
            said[f"{name}: pack.toml does not name it under `writes`"] += 1
        if schema is None:
            said[f"{name}: there is no types/{name}.json"] += 1
        else:
            said.update(schema.faults(entity, pack.context))
    yield from (f"{fault} ({count} entities)" for fault, count in said.most_common())


def _faults_of_counts(what: str, wanted: dict[str, int], found: dict[str, int]) -> Iterator[str]:
    for name in sorted({*wanted, *found}):
        if wanted.get(name, 0) != found.get(name, 0):
            yield f"{what}: {wanted.get(name, 0)} {name} expected, {found.get(name, 0)} found"


def _faults_of_expectations(
    pack: LoadedPack, case: RecordedCase, entities: Iterable[Entity]
) -> Iterator[str]:
    by_id = {entity.id: entity for entity in entities}
    for expected in case.expect:
        entity = by_id.get(str(expected.get("id")))
        if entity is None:
            yield f"expect: there is no entity {expected.get('id')}"
            continue
        shown = render(entity, pack.context, SIMPLIFIED)
        for name, value in expected.items():
            if shown.get(name) != value:
                yield f"expect: {entity.id}: {name} is {shown.get(name)!r}, expected {value!r}"


def _alerts(pack: LoadedPack, changes: list[Change]) -> dict[str, int]:
    rules: list[Rule] = [rule for item in pack.items.get(RULES.folder, ()) for rule in item.value]
    ordered = sorted(changes, key=lambda change: change.at)
    again: list[Any] = [_numbered(change, number) for number, change in enumerate(ordered, 1)]
    outcomes = backtest(rules, again, pack.context).outcomes
    return dict(Counter(each.rule for each in outcomes if each.kind is OutcomeKind.RAISED))


def _numbered(change: Change, number: int) -> Change:
    change.seq = number
    return change
