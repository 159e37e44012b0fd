"""The limits of bodies and queries: each is a setting and has an error message of its own.

A body above a limit is TooLarge (413), a query TooComplexQuery (403). Signs are counted before a body is walked
through, so that a usual request costs next to nothing. Source: ETSI GS CIM 009 v1.9.1, clauses 5.5.2 and 6.3.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from rhinecloud.broker.errors import TooComplexQuery
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.kernel.errors import TooLarge
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.expression import Expression, cost_of
from rhinecloud.ngsild.query import EntityQuery, parse_q

SEPARATORS = ",|;"
COORDINATES = ("coordinates", "orderFrom")


def check_body(body: bytes, content: Any, settings: BrokerSettings) -> None:
    """Raise TooLarge for a body that is nested too deep or has too long an array, except the array of a batch."""
    deepest, longest = settings.max_depth, settings.max_array
    deep = body.count(b"{") + body.count(b"[") > deepest
    long = body.count(b",") >= longest
    level, depth = [content], 1
    while (deep or long) and level:
        if long and depth > 1 and any(len(each) > longest for each in level if type(each) is list):
            raise TooLarge(f"an array of the body has more than {longest} elements")
        if depth >= deepest and any(level):
            raise TooLarge(f"the body is nested more than {deepest} deep")
        level = _containers(level)
        depth += 1


def check_members(content: Mapping[str, Any], settings: BrokerSettings) -> None:
    """Raise TooLarge for an object with more members than an entity may have attributes."""
    if len(content) > settings.max_attributes + OWN_MEMBERS:
        raise TooLarge(f"an entity has at most {settings.max_attributes} attributes")


OWN_MEMBERS = 8
"""No entity has more members than this that are not attributes."""


def check_parameters(query: Mapping[str, str], settings: BrokerSettings) -> None:
    """Raise TooComplexQuery for a parameter, not parsed yet, that is too long or lists too much."""
    for name, text in query.items():
        if name in COORDINATES:
            longest, most = settings.max_query_positions * 64, settings.max_query_positions * 4
        else:
            longest, most = settings.max_query_length, settings.max_query_parts
        if len(text) > longest:
            raise TooComplexQuery(f"{name}: has {len(text)} characters; at most {longest} are allowed")
        if sum(text.count(sign) for sign in SEPARATORS) >= most:
            raise TooComplexQuery(f"{name}: must list at most {most} elements")


def check_query(query: EntityQuery, settings: BrokerSettings) -> None:
    """Raise TooComplexQuery for a query that has too many conditions."""
    patterns = sum(bool(each) for each in (query.id_pattern, *(one.id_pattern for one in query.selectors)))
    if query.q is not None:
        patterns += check_expression(query.q, settings)
    _check("patterns", patterns, settings.max_query_patterns)
    named = sum(1 + len(one.ids) + len(one.types) for one in query.selectors)
    _check("entities: selectors, ids and types", named, settings.max_query_parts)
    if query.geo is not None:
        _check("coordinates: positions", query.geo.positions(), settings.max_query_positions)


def check_subscription(content: Mapping[str, Any], context: Context, settings: BrokerSettings) -> None:
    """Raise TooComplexQuery for a subscription, not parsed yet, that has too many conditions."""
    check_parameters({name: each for name, each in content.items() if isinstance(each, str)}, settings)
    for name, member in content.items():
        if isinstance(member, list):
            _check(name, len(member), settings.max_query_parts)
    patterns = check_selectors(content.get("entities"), settings)
    q = content.get("q")
    if isinstance(q, str):
        patterns += check_expression(parse_q(unquote(q), context, links=True), settings)
    _check("patterns", patterns, settings.max_query_patterns)
    geo = content.get("geoQ")
    if isinstance(geo, dict):
        positions = sum(1 for _ in _positions(geo.get("coordinates")))
        _check("geoQ: positions", positions, settings.max_query_positions)


def check_selectors(selectors: Any, settings: BrokerSettings) -> int:
    """Raise TooComplexQuery for too many or too long entity selectors, not parsed yet. Return how many have a
    pattern.
    """
    found = [each for each in selectors if isinstance(each, dict)] if isinstance(selectors, list) else []
    _check("entities", len(found), settings.max_query_parts)
    for each in found:
        check_parameters({name: text for name, text in each.items() if isinstance(text, str)}, settings)
    return sum("idPattern" in each for each in found)


def check_expression(expression: Expression, settings: BrokerSettings) -> int:
    """Raise TooComplexQuery for a `q` with too many terms or links. Return how many patterns it has."""
    cost = cost_of(expression)
    _check("q: terms", cost.terms, settings.max_query_terms)
    _check("q: relationships in a row", cost.links, settings.max_query_links)
    return cost.patterns


def _positions(coordinates: Any) -> Iterable[Any]:
    """Yield the positions of coordinates, which may be anything that a client sent."""
    if isinstance(coordinates, str):
        yield from range(coordinates.count("[") - 1)
    elif isinstance(coordinates, list):
        if coordinates and not isinstance(coordinates[0], list):
            yield coordinates
        else:
            for each in coordinates:
                yield from _positions(each)


def _check(what: str, number: int, most: int) -> None:
    if number > most:
        raise TooComplexQuery(f"{what}: {number}; at most {most} are allowed")


def _containers(level: Iterable[Any]) -> list[Any]:
    """Return the objects and arrays in objects and arrays; a batch has thousands, and five times as many mere
    values.
    """
    return [
        child
        for each in level
        if type(each) is dict or type(each) is list
        for child in (each.values() if type(each) is dict else each)
        if type(child) is dict or type(child) is list
    ]
