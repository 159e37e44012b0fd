"""Makes the OpenAPI document: one operation for each route.

Summary and clause are read from the handler's docstring, so they are written once. Source: OpenAPI 3.1.1; ETSI GS CIM
009 v1.9.1, clauses 6.2 to 6.41.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from rhinecloud import __version__
from rhinecloud.broker.http.media import Media
from rhinecloud.broker.http.problem import TABLE, WITHOUT_BODY
from rhinecloud.broker.http.route import Route

SPECIFICATION = "https://www.etsi.org/deliver/etsi_gs/CIM/001_099/009/"
SCHEMAS = "#/components/schemas/"
DESCRIPTION = """\
Entities, queries, batches, subscriptions, types and @contexts, as ETSI GS CIM 009 v1.9.1 (NGSI-LD) defines them. Names
in bodies and parameters are those of the request's @context, in its body (`application/ld+json`) or a `Link` header.
The city's own @context is at `/ngsi-ld/v1/jsonldContexts/city`.

Send `Authorization: Bearer rct_…`. Malformed requests are answered 400, operations of the standard that are not
implemented 501, always as ProblemDetails. Incidents, alerts, history and accounts are at `/api/v1`
(`/api/v1/openapi.json`).
"""

SPATIAL = {
    "EntityShown": "Feature",
    "EntityOrLinked": "FeatureOrCollection",
    "EntityList": "FeatureCollection",
}
"""The GeoJSON schemas of responses."""

_SUMMARY = re.compile(r"(?P<title>.+?) \(clause (?P<clause>[\d.]+)\)")


def describe(routes: Sequence[Route], *, max_limit: int) -> dict[str, Any]:
    """Return the OpenAPI document of a table of routes; `max_limit` is the largest page."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.verb.lower()] = _operation(route, max_limit)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Rhine Cloud: NGSI-LD",
            "version": __version__,
            "description": DESCRIPTION,
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "externalDocs": {"url": SPECIFICATION, "description": "ETSI GS CIM 009, the standard"},
        "servers": [{"url": "/ngsi-ld/v1"}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": _components(),
    }


def parameter_names() -> frozenset[str]:
    """Return the names of the query parameters that are described."""
    return frozenset(name.partition(".")[0] for name in _read("parameters")["query"])


def _components() -> dict[str, Any]:
    return {
        "schemas": dict(_read("schemas")),
        "parameters": {
            name: _parameter("header", name, each) for name, each in _read("parameters")["header"].items()
        },
        "headers": {name: _header(each) for name, each in _read("parameters")["answer"].items()},
        "responses": {f"Problem{status}": _problem(status, titles) for status, titles in _statuses().items()},
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer", "bearerFormat": "rct_…"},
            "session": {"type": "apiKey", "in": "cookie", "name": "rhinecloud_session"},
        },
    }


def _operation(route: Route, max_limit: int) -> dict[str, Any]:
    title, words = _summary(route)
    described: dict[str, Any] = {
        "operationId": _camel(title if route.answers else f"{title} {route.verb} {route.path}"),
        "summary": title,
        "description": words,
        "tags": [route.path.strip("/").partition("/")[0]],
        "parameters": [*_variables(route), *_query(route, max_limit), *_headers(route)],
        "responses": _responses(route),
    }
    if route.body:
        described["requestBody"] = _body(route)
    if route.anonymous:
        described["security"] = []
    return described


def _summary(route: Route) -> tuple[str, str]:
    """Return summary and clause from the handler's docstring: `Retrieve Entity (clause 6.5.3.1).`"""
    text = inspect.cleandoc(route.handle.__doc__ or "")
    match = _SUMMARY.search(text)
    if match is None:
        return text.partition(".")[0].partition(":")[0], text
    title = match["title"].partition(",")[0].partition(";")[0].partition(":")[0].strip()
    return (
        title,
        f"ETSI GS CIM 009 v1.9.1, clause {match['clause']}. Operation `{route.operation}` of clause 4.20.",
    )


def _camel(text: str) -> str:
    words: list[str] = re.findall(r"[A-Za-z0-9]+", text)
    return words[0].lower() + "".join(word[0].upper() + word[1:] for word in words[1:])


def _variables(route: Route) -> list[dict[str, Any]]:
    words = _read("parameters")["path"]
    return [
        {**_parameter("path", name, words[name]), "required": True}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]


def _query(route: Route, max_limit: int) -> list[dict[str, Any]]:
    words = _read("parameters")["query"]
    found = [
        _parameter("query", name, words.get(f"{name}.{route.operation}", words.get(name)))
        for name in sorted(route.parameters or ())
    ]
    for each in found:
        if each["name"] == "limit":
            each["schema"] = {**each["schema"], "maximum": max_limit}
    return found


def _headers(route: Route) -> list[dict[str, str]]:
    names = ["NGSILD-Tenant", "Link"]
    if Media.GEO in route.offers:
        names.append("Prefer")
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _parameter(place: str, name: str, words: Mapping[str, Any]) -> dict[str, Any]:
    described = {
        "name": name,
        "in": place,
        "schema": words["schema"],
        "description": f"{words['says']} (clause {words['clause']})",
    }
    if "example" in words:
        described["example"] = words["example"]
    return described


def _header(words: Mapping[str, Any]) -> dict[str, Any]:
    return {"schema": words["schema"], "description": words["says"]}


def _body(route: Route) -> dict[str, Any]:
    kinds = ["application/json", "application/ld+json"]
    if route.verb == "PATCH":
        kinds.append("application/merge-patch+json")
    schema = {"$ref": SCHEMAS + route.body}
    return {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}


def _responses(route: Route) -> dict[str, Any]:
    answers = {str(status): _answer(route, status, schema) for status, schema in route.answers}
    problems = _problems(route)
    return {
        **answers,
        **{str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in problems},
    }


def _answer(route: Route, status: int, schema: str) -> dict[str, Any]:
    names = ["X-Request-ID", "NGSILD-Tenant"]
    if status == 201 and not schema:
        names.append("Location")
    if schema and route.offers:
        names += ["Link", "Preference-Applied"]
    if "count" in (route.parameters or ()):
        names.append("NGSILD-Results-Count")
    described: dict[str, Any] = {
        "description": MEANINGS[status],
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
    }
    if schema:
        described["content"] = _content(schema, route.offers or (Media.JSON,))
    return described


def _content(schema: str, offers: Iterable[Media]) -> dict[str, Any]:
    return {
        media.value: {
            "schema": {"$ref": SCHEMAS + (SPATIAL.get(schema, schema) if media is Media.GEO else schema)}
        }
        for media in offers
    }


MEANINGS = {
    200: "What was asked for.",
    201: "Created.",
    203: "What was asked for, amended to the version that the client prefers.",
    204: "Done.",
    207: "Done in part: the body says what was not, and why.",
}


def _problems(route: Route) -> list[int]:
    """Return the statuses of the errors that a route may answer with."""
    if not route.answers:
        return [400, 401, 406, 501] if route.offers else [400, 401, 501]
    found = {400, 401, 403, 404, 500, 503, 504}
    if route.offers:
        found.add(406)
    if "id" in (route.parameters or ()):
        found.add(414)
    if route.body:
        found |= {409, 411, 413, 415, 501}
    if route.anonymous:
        found -= {401, 403}
        found.add(422)
    if not {"entityMap", "options"}.isdisjoint(route.parameters or ()) or "subscription" in route.path:
        found.add(501)
    if route.verb == "DELETE":
        found |= {409, 422}
    return sorted(found)


def _problem(status: int, titles: Sequence[str]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": " ".join(titles),
        "headers": {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}},
    }
    if status not in (*WITHOUT_BODY, 414):
        schema = {"$ref": f"{SCHEMAS}ProblemDetails"}
        described["content"] = {"application/json": {"schema": schema}}
    return described


def _statuses() -> dict[int, list[str]]:
    found: dict[int, list[str]] = {414: ["The address is too long."], 500: ["Internal error."]}
    for _, kind in TABLE:
        titles = found.setdefault(kind.status, [])
        if kind.title not in titles:
            titles.append(kind.title)
    return dict(sorted(found.items()))


@cache
def _read(name: str) -> dict[str, Any]:
    text = files("rhinecloud.broker.openapi").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found
