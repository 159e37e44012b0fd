"""The city's agencies from its settings: `[[agencies]]` of city.toml becomes entities, as often as it is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from rhinecloud.broker.service import Broker
from rhinecloud.incidents.model import AGENCY
from rhinecloud.kernel.actor import part
from rhinecloud.kernel.checks import matching
from rhinecloud.kernel.declarative import (
    DeclarativeModel,
    ParsedDocument,
    Texts,
    fit_document,
    plain_document,
)
from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.kernel.faults import ErrorCollector
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity, Instance


@dataclass(frozen=True, slots=True)
class Agency:
    """An organisation that acts in the city; `name` by language."""

    id: str
    name: Mapping[str, str]
    kind: str = "other"
    email: str = ""


class AgencyKeys(DeclarativeModel):
    """An organisation that acts in the city."""

    id: Annotated[str, matching("a short name such as `fire`, or a URN", "[a-z0-9][a-z0-9-]*|urn:.+")]
    name: Texts
    kind: Literal["fire", "police", "port", "utilities", "transit", "health", "administration", "other"] = (
        "other"
    )
    email: str = ""


def read_agencies(tables: ParsedDocument | Sequence[Mapping[str, Any]]) -> list[Agency]:
    """Read the tables `[[agencies]]` of a parsed file, or plain ones; raise Invalid naming each fault."""
    parsed = tables if isinstance(tables, ParsedDocument) else plain_document(list(tables), "agencies")
    agencies: dict[str, Agency] = {}
    collector = ErrorCollector()
    for index in range(len(parsed.data)):
        with collector.collect():
            document = fit_document(parsed.part(index), AgencyKeys)
            agency = _agency(document.value)
            if agency.id in agencies:
                raise document.fault(("id",), f"the id {agency.id} must not be used twice")
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
    stale = [entity for entity in entities if not await _is_current(broker, tenant, entity)]
    answers = await broker.upsert(part("incidents"), tenant, stale) if stale else []
    for answer in answers:
        if isinstance(answer, RhineCloudError):
            raise answer
    return len(stale)


def _agency(keys: AgencyKeys) -> Agency:
    agency_id = keys.id if keys.id.startswith("urn:") else f"urn:ngsi-ld:Agency:{keys.id}"
    return Agency(agency_id, keys.name, keys.kind, keys.email)


def _entity(agency: Agency, context: Context, language: str) -> Entity:
    name = agency.name.get(language) or next(iter(agency.name.values()))
    attributes = {
        "name": Instance(value=name),
        "title": Instance(type="LanguageProperty", value=dict(agency.name)),
        "kind": Instance(value=agency.kind),
    }
    if agency.email:
        attributes["email"] = Instance(value=agency.email)
    attrs = {context.expand(term): [instance] for term, instance in attributes.items()}
    return Entity(id=agency.id, type=[AGENCY], attrs=attrs)


async def _is_current(broker: Broker, tenant: str, wanted: Entity) -> bool:
    """Return whether the entity is there with the attributes that the settings give it."""
    stored = await broker.find(part("incidents"), tenant, wanted.id)
    if stored is None:
        return False
    present = stored.entity()
    return all(
        (found := present.first(iri)) is not None and found.value == each[0].value
        for iri, each in wanted.attrs.items()
    )
