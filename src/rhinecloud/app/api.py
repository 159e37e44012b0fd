"""The people's API: the routers of all parts in one FastAPI application under `/api/v1`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI

from rhinecloud.app.problem import MEDIA_TYPE, Problems, add_problems

PREFIX = "/api/v1"

DESCRIPTION = """
The API of the operations centre, which partners' applications can use as well: sign-in, incidents, alerts, rules,
feeds, history, accounts. The city's entities are at `/ngsi-ld/v1` (ETSI GS CIM 009), with the OpenAPI document
`/ngsi-ld/v1/openapi.json`.

Send `Authorization: Bearer rct_…`, or sign in and use the cookie. Errors are `application/problem+json` (RFC 9457).
"""


PROBLEM = {
    "description": "The error",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


class PeoplesApi(FastAPI):
    """An API whose OpenAPI document describes the `problem` that every operation may return."""

    problem: Mapping[str, Any]

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, with the schema of a problem."""
        document = super().openapi()
        document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = self.problem
        return document


def build_api(version: str, routers: Sequence[APIRouter], problems: Problems) -> FastAPI:
    """Return the API of `routers`; its OpenAPI document is at `/api/v1/openapi.json`."""
    api = PeoplesApi(
        title="Rhine Cloud",
        version=version,
        description=DESCRIPTION.strip(),
        license_info={"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
        responses={"default": PROBLEM},
    )
    api.problem = problems.schema()
    add_problems(api, problems)
    for router in routers:
        api.include_router(router, prefix=PREFIX)
    return api
