"""The OpenAPI document: valid, complete, and the same as what the API does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from broker.assembly import open_broker
from rhinecloud.broker.openapi import describe, parameter_names
from rhinecloud.broker.routes import routes_with
from rhinecloud.subscriptions.routes import subscription_routes

ROUTES = routes_with(subscription_routes(None))


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return describe(ROUTES, max_limit=1_000)


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_route_is_described_with_all_its_parameters(document: dict[str, Any]) -> None:
    for route in ROUTES:
        operation = document["paths"][route.path][route.verb.lower()]
        named = {each["name"] for each in operation["parameters"] if each.get("in") == "query"}
        assert named == set(route.parameters or ()), route.path
        assert operation["summary"], route.path
        assert operation["responses"], route.path


def test_no_operation_shares_its_id(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))


def test_every_parameter_that_has_words_is_a_routes(document: dict[str, Any]) -> None:
    used = {name for route in ROUTES for name in route.parameters or ()}
    assert parameter_names() == used


def test_the_examples_are_what_their_schemas_say(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        validator = Draft202012Validator({**schema, "components": document["components"]})
        for example in schema.get("examples", ()):
            assert not list(validator.iter_errors(example)), name


async def test_anyone_may_read_it(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as api:
        answer = await api.call("GET", "/openapi.json")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["paths"]["/entities"]["get"]["summary"] == "Query Entities"
    assert "/openapi.json" in answer.json()["paths"]


async def test_an_answer_is_what_the_document_says(tmp_path: Path, document: dict[str, Any]) -> None:
    """One answer of each kind; the attack tests hold thousands against it."""
    crane = {"id": "urn:ngsi-ld:Crane:7", "type": "Crane", "load": 12}
    async with open_broker(tmp_path) as api:
        for verb, path, body, name in (
            ("POST", "/entityOperations/create", [crane], "IdList"),
            ("POST", "/entityOperations/create", [crane], "BatchResult"),
            ("GET", f"/entities/{crane['id']}", None, "EntityShown"),
            ("GET", "/entities?type=Crane", None, "EntityList"),
            ("GET", "/types", None, "EntityTypes"),
            ("GET", "/types/Crane", None, "EntityTypeInfo"),
            ("GET", "/attributes?details=true", None, "Attributes"),
            ("GET", "/attributes/load", None, "Attribute"),
            ("GET", "/jsonldContexts?details=true", None, "ContextList"),
            ("GET", "/info/sourceIdentity", None, "ContextSourceIdentity"),
            ("GET", "/entities/nothing", None, "ProblemDetails"),
        ):
            answer = await api.call(verb, path, body)
            schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
            assert not list(Draft202012Validator(schema).iter_errors(answer.json())), (path, answer.body)
