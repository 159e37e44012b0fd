"""The parts of a city: the core's own, in the order of their layers, and those of other distributions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rhinecloud.audit.part import PART as AUDIT
from rhinecloud.broker.part import PART as BROKER
from rhinecloud.changes.part import PART as CHANGES
from rhinecloud.connectors.part import PART as CONNECTORS
from rhinecloud.history.part import PART as HISTORY
from rhinecloud.identity.part import PART as IDENTITY
from rhinecloud.incidents.part import PART as INCIDENTS
from rhinecloud.kernel.errors import Invalid
from rhinecloud.live.part import PART as LIVE
from rhinecloud.loader import Packs, find_packs
from rhinecloud.loader.part import PART as PACKS
from rhinecloud.loader.rights import admit_packs
from rhinecloud.ngsild.context import compile_context
from rhinecloud.part import ContentKind, Part, Rights
from rhinecloud.part.discovery import PartFailure, Parts, find_declared
from rhinecloud.policy import Policies, PolicySource
from rhinecloud.policy.statements import read_statements
from rhinecloud.risk.part import PART as RISK
from rhinecloud.simulator.part import PART as SIMULATOR
from rhinecloud.store.migrations import Migrations
from rhinecloud.subscriptions.part import PART as SUBSCRIPTIONS
from rhinecloud.views.part import PART as VIEWS

CORE = (
    AUDIT,
    IDENTITY,
    HISTORY,
    CHANGES,
    BROKER,
    SUBSCRIPTIONS,
    LIVE,
    CONNECTORS,
    RISK,
    INCIDENTS,
    VIEWS,
    PACKS,
    SIMULATOR,
)

NAMES = frozenset(part.name for part in CORE)


def find_parts() -> Parts:
    """Return the core's parts, and then those that installed distributions declare.

    It imports them: a process calls it once, and settings have what it found (`LoadedSettings.parts`).
    """
    declared = find_declared(NAMES)
    accepted, failed = list(CORE), list(declared.failed)
    for part in declared.loaded:
        fault = find_fault(part, accepted)
        if fault:
            failed.append(PartFailure(part.name, fault))
        else:
            accepted.append(part)
    return Parts(tuple(accepted), tuple(failed))


def find_fault(part: Part, others: Iterable[Part]) -> str:
    """Return why a part from elsewhere does not fit: what another one declares, or a fault of its own; else ''."""
    mine = _declared_by(part)
    for other in others:
        for kind, names in _declared_by(other).items():
            taken = names & mine[kind]
            if taken:
                return f"{kind} {', '.join(sorted(taken))}: the part {other.name} declares this already"
    try:
        compile_context(dict(part.vocabulary), {})
        Policies([(part.name, part.rights)])
    except Invalid as error:
        return "; ".join(str(each) for each in error.faults)
    return ""


def _declared_by(part: Part) -> dict[str, set[str]]:
    return {
        "settings section": set(part.settings),
        "table of city.toml": set(part.tables),
        "content folder": {kind.folder for kind in part.content},
        "member of /status": set(part.status.model_fields) if part.status else set(),
        "member of /city": set(part.city.model_fields) if part.city else set(),
        "kind of records": set(part.records),
        "Cedar action": {action.name for action in part.rights.actions},
        "id of a policy": _policy_ids(part),
    }


def _policy_ids(part: Part) -> set[str]:
    """Return the ids of a part's policies; none where they cannot be read, which `find_fault` reports by itself."""
    try:
        return {each.id for each in read_statements(PolicySource(part.name, part.rights.policy))}
    except Invalid:
        return set()


def kinds_of(parts: Iterable[Part]) -> tuple[ContentKind[Any], ...]:
    """Return every kind of file that packs and the city bring."""
    return tuple(kind for part in parts for kind in part.content)


def rights_of(parts: Iterable[Part]) -> list[tuple[str, Rights]]:
    """Return what each part contributes to authorization."""
    return [(part.name, part.rights) for part in parts]


def migrations_of(parts: Iterable[Part]) -> Migrations:
    """Return the migrations of each part."""
    return {part.name: part.migrations for part in parts if part.migrations}


def cached_records(parts: Iterable[Part]) -> frozenset[str]:
    """Return the kinds of records of which reader processes hold a copy."""
    return frozenset(kind for part in parts for kind in part.cached)


def read_packs(parts: Sequence[Part], wanted: Iterable[str] = ("*",), found: Packs | None = None) -> Packs:
    """Return the packs that are wanted of those installed, or those `found` otherwise.

    Those that do not load, or do not fit the parts or each other, count as failed.
    """
    loaded = find_packs(wanted, kinds=kinds_of(parts)) if found is None else found
    return admit_packs(loaded, rights_of(parts))
