"""The city's agencies from its settings: `[[agencies]]` of city.toml becomes entities, as often as it is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rhinecloud.broker.service import Broker
from rhinecloud.incidents.model import AGENCY
from rhinecloud.kernel.actor import part
from rhinecloud.kernel.errors import Invalid, RhineCloudError
from rhinecloud.kernel.faults import ErrorCollector, unknown
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity, Instance

KINDS = ("fire", "police", "port", "utilities", "transit", "health", "administration", "other")
_KEYS = {"id", "name", "kind", "email"}
_ID = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Agency:
    """An organisation that acts in the city; `name` by language."""

    id: str
    name: Mapping[str, str]
    kind: str = "other"
    email: str = ""


def read_agencies(tables: Iterable[Mapping[str, Any]]) -> list[Agency]:
    """Read the tables of the settings: `id`, `name` (a text, or `{de, en}`), `kind`, `email`; raises Invalid."""
    agencies: dict[str, Agency] = {}
    collector = ErrorCollector()
    for index, table in enumerate(tables):
        with collector.collect():
            agency = _read(table, f"agencies[{index}]")
            if agency.id in agencies:
                raise Invalid(f"the id {agency.id} stands there twice", field=f"agencies[{index}].id")
            agencies[agency.id] = agency
    collector.finish()
    return list(agencies.values())


async def seed_agencies(
    broker: Broker, tenant: str, agencies: Iterable[Agency], context: Context, language: str = "de"
) -> int:
    """Create the agencies that are missing and bring the others up to date; return how many changed."""
    entities = [_entity(agency, context, language) for agency in agencies]
    if not entities:
        return 0
    stale = [entity for entity in entities if not await _stands(broker, tenant, entity)]
    answers = await broker.upsert(part("incidents"), tenant, stale) if stale else []
    for answer in answers:
        if isinstance(answer, RhineCloudError):
            raise answer
    return len(stale)


def _read(table: Mapping[str, Any], place: str) -> Agency:
    collector = ErrorCollector()
    for key in table:
        if key not in _KEYS:
            collector.add(unknown("key", key, _KEYS), f"{place}.{key}")
    short = table.get("id")
    if not isinstance(short, str) or not (_ID.fullmatch(short) or short.startswith("urn:")):
        collector.add("must be a short name such as `fire`, or a URN", f"{place}.id")
    name = table.get("name")
    names = {"de": name, "en": name} if isinstance(name, str) else name
    if not isinstance(names, dict) or not names or not all(isinstance(each, str) for each in names.values()):
        collector.add("must be a text, or one for each language", f"{place}.name")
    kind = table.get("kind", "other")
    if kind not in KINDS:
        collector.add(f"{kind!r} is not one of {', '.join(KINDS)}", f"{place}.kind")
    collector.finish()
    agency_id = str(short) if str(short).startswith("urn:") else f"urn:ngsi-ld:Agency:{short}"
    return Agency(agency_id, dict(names or {}), kind, str(table.get("email", "")))


def _entity(agency: Agency, context: Context, language: str) -> Entity:
    name = agency.name.get(language) or next(iter(agency.name.values()))
    said = {
        "name": Instance(value=name),
        "title": Instance(type="LanguageProperty", value=dict(agency.name)),
        "kind": Instance(value=agency.kind),
    }
    if agency.email:
        said["email"] = Instance(value=agency.email)
    attrs = {context.expand(term): [instance] for term, instance in said.items()}
    return Entity(id=agency.id, type=[AGENCY], attrs=attrs)


async def _stands(broker: Broker, tenant: str, wanted: Entity) -> bool:
    stored = await broker.find(part("incidents"), tenant, wanted.id)
    if stored is None:
        return False
    present = stored.entity()
    return all(
        (found := present.first(iri)) is not None and found.value == each[0].value
        for iri, each in wanted.attrs.items()
    )
