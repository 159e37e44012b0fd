"""Reads which entities a query selects: parameters of a GET, or the members of a Query in a POST.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.23, 5.2.33, 5.2.43, 5.7.2.4 and 6.4.3.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from rhinecloud.broker.http.limits import check_parameters, check_query
from rhinecloud.broker.http.parameters import join_level
from rhinecloud.broker.http.query_parameters import QueryParameters
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.collation import check_collation
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.expression import links, paths
from rhinecloud.ngsild.query import (
    EntityQuery,
    EntitySelector,
    Expression,
    GeoQuery,
    OrderKey,
    ScopeQuery,
    check_id_pattern,
    parse_geo,
    parse_order,
    parse_q,
    parse_scope_q,
    parse_type_selection,
)
from rhinecloud.ngsild.representation import parse_names
from rhinecloud.ngsild.values import check_uri

SELECTION = frozenset(
    {
        "id",
        "idPattern",
        "type",
        "q",
        "georel",
        "geometry",
        "coordinates",
        "geoproperty",
        "scopeQ",
        "expandValues",
        "jsonKeys",
    }
)
"""The parameters that select entities."""

ORDER = frozenset({"orderBy", "orderFrom", "orderGeometry", "collation"})
"""The parameters of their order."""

_BLANK_LEVEL = re.compile(r"(?<=/) (?=[/;|,)]|$)")

SYSTEM = frozenset({"createdAt", "modifiedAt", "expiresAt", "deletedAt", "observedAt"})
"""Attributes that every entity has: a query needs another condition beside them (clause 5.7.2.4)."""


def parse_query(
    parameters: QueryParameters, settings: BrokerSettings, *, deletes: bool = False
) -> EntityQuery:
    """Return the query without its paging; `deletes` says that the selected entities are deleted.

    Raise Invalid for a query that is malformed or too wide, TooComplexQuery for one that would cost too much.
    """
    query, context = parameters.values, parameters.context
    check_parameters(query, settings)
    selection = EntityQuery(
        types=_types(query, context),
        ids=_ids(parameters),
        id_pattern=check_id_pattern(query["idPattern"]) if "idPattern" in query else "",
        attrs=tuple(sorted(parse_names(query["attrs"], context))) if query.get("attrs") else (),
        q=_q(parameters),
        geo=_geo(query, context),
        scope=_scope(query),
        order=_order(parameters),
    )
    check_query(selection, settings)
    _refuse_too_wide(parameters, selection.q, by_id=settings.query_by_id and not deletes)
    return selection


def parse_selectors(content: Any, context: Context) -> tuple[EntitySelector, ...]:
    """Return the entity selectors of a Query (clause 5.2.33). Raise Invalid."""
    if not isinstance(content, list) or not content:
        raise Invalid("must be an array with at least one entity selector", field="entities")
    return tuple(_selector(each, context) for each in content)


def query_parameters(content: Mapping[str, Any]) -> dict[str, str]:
    """Return the members of a Query (clause 5.2.23) but `entities` as the parameters of a GET. Raise Invalid."""
    if content.get("type") != "Query":
        raise Invalid("must be Query", field="type")
    parameters: dict[str, str] = {}
    for name, member in content.items():
        if name in ("type", "entities"):
            continue
        if name == "geoQ":
            parameters.update(_texts(member, "geoQ", set(GEO)))
        elif name == "ordering":
            parameters.update(_texts(member, "ordering", set(ORDERING)))
        elif name in ("temporalQ", "aggrParams"):
            raise Invalid("must only be used in temporal queries", field=name)
        elif name in MEMBERS:
            parameters[name] = _text(member, name)
        else:
            raise Invalid("is not a known member of a Query", field=name)
    if "q" in parameters:  # it is URL-encoded, as in a subscription
        parameters["q"] = unquote(parameters["q"])
    return parameters


def member_of(parameter: str) -> str:
    """Return the member of a Query that `query_parameters` made a parameter from, for errors."""
    if parameter in GEO:
        return f"geoQ.{parameter}"
    return next((f"ordering.{name}" for name, each in ORDERING.items() if each == parameter), parameter)


GEO = frozenset({"georel", "geometry", "coordinates", "geoproperty"})
"""The members of `geoQ`, which are parameters with the same names."""

ORDERING = {
    "orderBy": "orderBy",
    "coordinates": "orderFrom",
    "geometry": "orderGeometry",
    "collation": "collation",
}
"""The members of `ordering`, and the parameters that mean the same."""

MEMBERS = frozenset(
    [
        "q",
        "scopeQ",
        "attrs",
        "pick",
        "omit",
        "csf",
        "containedBy",
        "datasetId",
        "expandValues",
        "jsonKeys",
        "entityMap",
        "entityMapLifetime",
        "join",
        "joinLevel",
        "lang",
        "splitEntities",
        "geometryProperty",
    ]
)
"""The members of a Query that mean the same as the parameter of that name."""


def _types(query: Mapping[str, str], context: Context) -> tuple[tuple[str, ...], ...]:
    if "type" not in query:
        return ()
    if not query["type"]:
        raise Invalid("must not be empty", field="type")
    if query["type"] == "*" and query.get("local") == "false":
        raise Invalid("must not be * with local=false", field="type")
    return parse_type_selection(query["type"], context)


def _ids(parameters: QueryParameters) -> tuple[str, ...]:
    if "id" not in parameters.values:
        return ()
    try:
        return tuple(check_uri(each) for each in parameters.values["id"].split(","))
    except Invalid as error:
        raise Invalid(error.reason, field="id") from None


def _q(parameters: QueryParameters) -> Expression | None:
    if "q" not in parameters.values:
        return None
    q = parse_q(
        parameters.values["q"],
        parameters.context,
        expand_values=parameters.listed("expandValues"),
        links=True,
    )
    if any(linked.depth > join_level(parameters) for linked in links(q)):
        raise Invalid("must not go deeper into linked entities than join and joinLevel allow", field="q")
    return q


def _geo(query: Mapping[str, str], context: Context) -> GeoQuery | None:
    given = [name for name in ("georel", "geometry", "coordinates") if name in query]
    if not given:
        return None
    if len(given) < 3:
        raise Invalid("georel, geometry and coordinates must be given together", field=given[0])
    return parse_geo(
        query["georel"],
        query["geometry"],
        query["coordinates"],
        context,
        geoproperty=query.get("geoproperty", "location"),
    )


def _scope(query: Mapping[str, str]) -> ScopeQuery | None:
    """Return the scope query. A level `+` that was not escaped in the URL arrives as a space, which no scope
    contains.
    """
    return parse_scope_q(_BLANK_LEVEL.sub("+", query["scopeQ"])) if "scopeQ" in query else None


def _order(parameters: QueryParameters) -> tuple[OrderKey, ...]:
    query = parameters.values
    if "orderBy" not in query:
        check_collation(query.get("collation", ""))
        return ()
    return parse_order(
        query["orderBy"],
        parameters.context,
        order_from=query.get("orderFrom"),
        geometry=query.get("orderGeometry", "Point"),
        collation=query.get("collation", ""),
    )


def is_local(query: Mapping[str, str]) -> bool:
    """Return whether a query is limited to this broker (clause 5.5.13)."""
    return query.get("local") == "true" or query.get("type") == "*"


def _refuse_too_wide(parameters: QueryParameters, q: Expression | None, *, by_id: bool) -> None:
    """Raise Invalid for a query that would select all entities of all sources (clause 5.7.2.4).

    `by_id`: ids and patterns of ids are narrow enough, too.
    """
    query = parameters.values
    narrowing = {"type", "georel", "id", "idPattern"} if by_id else {"type", "georel"}
    if is_local(query) or "entities" in query or query.keys() & narrowing:
        return
    if any(name not in SYSTEM for name in parameters.listed("attrs")):
        return
    if q is not None and any(path.names[0] not in SYSTEM for path in paths(q)):
        return
    raise Invalid("the query must have type, attrs, q or a geo-query, or local=true")


def _selector(content: Any, context: Context) -> EntitySelector:
    if not isinstance(content, dict) or not content.keys() <= {"id", "idPattern", "type"}:
        raise Invalid(
            "an entity selector must have the members id, idPattern and type only", field="entities"
        )
    if not isinstance(content.get("type"), str) or not content["type"]:
        raise Invalid("must name a type", field="entities.type")
    ids = content.get("id", [])
    pattern = content.get("idPattern", "")
    if not isinstance(pattern, str):
        raise Invalid("must be a string", field="entities.idPattern")
    try:
        return EntitySelector(
            types=parse_type_selection(content["type"], context),
            ids=tuple(check_uri(each) for each in (ids if isinstance(ids, list) else [ids])),
            id_pattern=check_id_pattern(pattern) if pattern else "",
        )
    except Invalid as error:
        raise Invalid(error.reason, field=f"entities.{error.field or 'id'}") from None


def _texts(member: Any, name: str, known: set[str]) -> dict[str, str]:
    if not isinstance(member, dict):
        raise Invalid("must be an object", field=name)
    unknown = member.keys() - known
    if unknown:
        raise Invalid(f"must not have the member {sorted(unknown)[0]}", field=name)
    renamed = ORDERING if name == "ordering" else {}
    return {str(renamed.get(each, each)): _text(value, f"{name}.{each}") for each, value in member.items()}


def _text(member: Any, name: str) -> str:
    """Return a member as the parameter of a GET: arrays of strings joined by commas, coordinates as JSON."""
    if isinstance(member, str):
        return member
    if isinstance(member, bool) and name in ("entityMap", "splitEntities"):
        return "true" if member else "false"
    if isinstance(member, int) and name == "joinLevel":
        return str(member)
    if isinstance(member, list) and name.endswith("coordinates"):
        return orjson.dumps(member).decode()
    if isinstance(member, list) and member and all(isinstance(each, str) for each in member):
        return ",".join(member)
    raise Invalid("must be a string or a non-empty array of strings", field=name)
