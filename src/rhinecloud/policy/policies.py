"""All policies of a city, parsed and validated: of the core, of parts and packs, and the city's own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files

import cedarpy

from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import ErrorCollector, unknown
from rhinecloud.ngsild.context import Context, core_context
from rhinecloud.part.rights import ActionRight, Rights
from rhinecloud.policy.analysis import (
    ENTITY_FACTS,
    TIME_FACTS,
    TYPE_FACTS,
    Mentions,
    actions_of,
    guard_of,
    literals_of,
    mentions_of,
    union,
    whole_groups,
)
from rhinecloud.policy.areas import Areas
from rhinecloud.policy.model import CORE, WRITING, CoreAction
from rhinecloud.policy.schema import make_schema
from rhinecloud.policy.statements import Node, PolicySource, PolicyStatement, read_statements

CORE_SUMMARIES = {
    CoreAction.READ: "See entities, their history and their changes.",
    CoreAction.CREATE: "Create entities.",
    CoreAction.UPDATE: "Change entities.",
    CoreAction.DELETE: "Delete entities.",
    CoreAction.SUBSCRIBE: "Create, see, change and delete one's own subscriptions.",
    CoreAction.MANAGE_SUBSCRIPTIONS: "See, change and delete everybody's subscriptions.",
    CoreAction.HOST_CONTEXT: "Keep JSON-LD contexts at the broker.",
    CoreAction.PUBLISH: "Send device messages over MQTT and receive the commands to the own name.",
    CoreAction.MONITOR_DEVICES: "Send and receive every device's messages and commands over MQTT.",
    CoreAction.SEE_PEOPLE: "See who works for the agency that is the resource.",
    CoreAction.SEE_STATUS: "See feeds, consumers, rules and dead letters.",
    CoreAction.OPERATE: "Retry and drop dead letters, start and stop feeds.",
    CoreAction.ADMINISTER: "Manage accounts, tokens and backups; read the audit trail.",
}


def core_rights() -> Rights:
    """Return what the core itself contributes."""
    return Rights(
        actions=tuple(ActionRight(name.value, text) for name, text in CORE_SUMMARIES.items()),
        policy=files("rhinecloud.policy").joinpath("core.cedar").read_text(encoding="utf-8"),
    )


_FOR_ACTION = re.compile(r' for Action::"[^"]*"')


class Policies:
    """Policies as Cedar evaluates them.

    `statements` are all by place; `everything` is the whole set. `fixed` holds those that neither an entity nor the
    time decides. The others stand as guards in `by_types` and, with what depends on types left out, in `by_actor`,
    which also has those of `fixed` that look at types.
    """

    def __init__(
        self,
        rights: Sequence[tuple[str, Rights]] = (),
        city: Iterable[PolicySource] = (),
        vocabulary: Context | None = None,
        areas: Areas | None = None,
    ) -> None:
        """Read what the core, each part or pack (by its name) and the city contribute; raise Invalid."""
        contributed = [(CORE, core_rights()), *rights]
        self.vocabulary = vocabulary or core_context()
        self.areas = areas or Areas()
        self.actions = _actions(contributed)
        self._protected = {each.iri: each for _, rights in contributed for each in rights.protected}
        self.protected = frozenset(self._protected)
        collector = ErrorCollector()
        sources = [*(PolicySource(owner, each.policy) for owner, each in contributed), *city]
        self._read(sources, collector)
        self.mentions = union(mentions_of(each) for each in self.statements.values())
        self._check(collector)
        if collector.found:
            raise collector.error()
        self._compile()

    def name(self, attribute: str) -> str:
        """Expand the name of an attribute as policies write it: an IRI stays, a term is the city's."""
        return attribute if ":" in attribute else self.vocabulary.expand(attribute)

    def instead_of(self, action: str, types: Iterable[str]) -> str:
        """Return what is to be used instead of writing entities of a protected type, '' where none is."""
        protected = [self._protected[each] for each in types if each in self._protected]
        if not protected or action not in WRITING:
            return ""
        instead = ", ".join(filter(None, (each.instead_of(action) for each in protected)))
        return f"only its own part writes it{f'; use {instead}' if instead else ''}"

    def of_place(self, places: Iterable[str]) -> list[PolicyStatement]:
        """Return statements by their places."""
        return [self.statements[place] for place in places]

    def _read(self, sources: Iterable[PolicySource], collector: ErrorCollector) -> None:
        self.statements: dict[str, PolicyStatement] = {}
        by_id: dict[str, PolicyStatement] = {}
        for source in sources:
            read: list[PolicyStatement] = []
            with collector.collect():
                read = read_statements(source)
            for each in read:
                first = by_id.get(each.id)
                if each.place in self.statements:
                    collector.add(
                        f"line {each.line}: another owner of policies has the same name", each.owner
                    )
                elif first is None:
                    by_id[each.id] = self.statements[each.place] = each
                else:
                    words = (
                        f"the id {each.id!r} is that of a policy of {first.owner}, line {first.line}, already"
                    )
                    collector.add(f"line {each.line}: {words}", each.owner)

    def _check(self, collector: ErrorCollector) -> None:
        schema = make_schema(self.actions, self.mentions)
        for statement in self.statements.values():
            for line, reason in self._faults(statement, schema):
                collector.add(f"line {line}: {reason}", statement.owner)

    def _faults(self, statement: PolicyStatement, schema: cedarpy.Schema) -> Iterable[tuple[int, str]]:
        missing = (actions_of(statement) or frozenset()) - self.actions.keys()
        for name in sorted(missing):
            yield statement.line_of(f"`{name}`"), unknown(f"action {name!r}", name, self.actions)
        if not missing:
            errors = cedarpy.validate_policies(statement.text, schema).errors
            for message in dict.fromkeys(_readable(each.error) for each in errors):
                yield statement.line_of(message), message
        for name in sorted(whole_groups(statement)):
            yield statement.line_of(f"`{name}`"), f"`resource.{name}` must be followed by an attribute"
        yield from self._unknown_names(statement)

    def _unknown_names(self, statement: PolicyStatement) -> Iterable[tuple[int, str]]:
        mentioned = mentions_of(statement)
        attributes = {("attribute", name) for name in mentioned.texts | mentioned.numbers}
        types = {("type", name) for name in literals_of(statement, "type")}
        for what, name in sorted(attributes | types):
            if ":" not in name and not self.vocabulary.knows(name):
                reason = unknown(f"{what} {name!r} in the city's @context", name, self.vocabulary.terms())
                yield statement.line_of(f"`{name}`"), reason
        for name in sorted(literals_of(statement, "area") - self.areas.names):
            reason = unknown(f"area {name!r} in areas/*.geojson", name, self.areas.names)
            yield statement.line_of(f"`{name}`"), reason

    def _compile(self) -> None:
        changing = ENTITY_FACTS | TIME_FACTS
        bodies = {place: each.body for place, each in self.statements.items()}
        varying = {
            place: each
            for place, each in self.statements.items()
            if not mentions_of(each).facts.isdisjoint(changing)
        }
        typed = {
            place: each
            for place, each in self.statements.items()
            if not mentions_of(each).facts.isdisjoint(changing | {"type", "types"})
        }
        self.everything = _policy_set(bodies)
        self.fixed = _policy_set({place: body for place, body in bodies.items() if place not in varying})
        self.by_types = _policy_set({place: guard_of(each, changing) for place, each in varying.items()})
        self.by_actor = _policy_set(
            {place: guard_of(each, changing | TYPE_FACTS) for place, each in typed.items()}
        )


def _readable(message: str) -> str:
    """Leave out of a message of Cedar what `owner` and line say better, and the action where it is one of many."""
    return _FOR_ACTION.sub("", message.partition(", ")[2] or message)


def _actions(contributed: Iterable[tuple[str, Rights]]) -> Mapping[str, str]:
    """Return the summaries of all actions by name; raise Invalid where two parts declare the same."""
    actions: dict[str, str] = {}
    for owner, rights in contributed:
        for each in rights.actions:
            if each.name in actions:
                raise Invalid(f"the action {each.name!r} is declared twice", field=owner)
            actions[each.name] = each.summary
    return actions


def _policy_set(bodies: Mapping[str, Node]) -> cedarpy.PolicySet:
    document = {"templates": {}, "staticPolicies": dict(bodies), "templateLinks": []}
    return cedarpy.PolicySet.from_json_str(json.dumps(document))


def mentioned(statements: Iterable[PolicyStatement]) -> Mentions:
    """Return what any of these statements looks at."""
    return union(map(mentions_of, statements))
