"""Calls made from an OpenAPI document, right and wrong ones: how many there are, and what their answers must keep to.

`RHINECLOUD_ATTACKS` says how many calls of each kind an operation gets, for longer runs: other calls in each of them,
or those of `--hypothesis-seed`. Without it there are five, the same in each run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

ASKED = os.environ.get("RHINECLOUD_ATTACKS")
ATTACKS = settings(
    max_examples=int(ASKED or "5"),
    deadline=None,
    database=None,
    derandomize=not ASKED,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
CHECKS = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]


def operations_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give the operations of an OpenAPI document by their labels, such as `GET /entities`."""
    found = (each.ok() for each in schemathesis.openapi.from_dict(dict(document)).get_all_operations())
    return {operation.label: operation for operation in found}
