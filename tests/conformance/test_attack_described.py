"""What the OpenAPI document describes is what the door does: thousands of calls made from it, right and wrong ones.

`RHINECLOUD_ATTACKS` says how many calls of each kind an operation gets, for longer runs: other calls in each of them,
or those of `--hypothesis-seed`. Without it there are five, the same in each run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from conformance.attacked import Attacked
from rhinecloud.broker.description import describe
from rhinecloud.broker.routes import ROUTES

ASKED = os.environ.get("RHINECLOUD_ATTACKS")
ATTACKS = int(ASKED or "5")
CHECKS = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
WAIT_S = 10.0
NAMES = {
    "entityId": ["urn:ngsi-ld:Crane:1", "urn:ngsi-ld:Crane:2", "no-uri"],
    "attrId": ["load", "location", "name", "no name"],
    "subscriptionId": ["urn:ngsi-ld:Subscription:1"],
    "type": ["Crane", "Nothing"],
    "contextId": ["city", "nothing"],
}
"""What may stand in paths: mostly things that are there, or nothing would be reached behind the first question."""

CRANES = [
    {
        "id": f"urn:ngsi-ld:Crane:{number}",
        "type": "Crane",
        "load": {"value": number, "unitCode": "TNE"},
        "name": {"languageMap": {"de": "Kran", "en": "crane"}},
        "location": {"type": "Point", "coordinates": [6.7, 51.4]},
    }
    for number in range(1, 6)
]
WATCH = {
    "id": "urn:ngsi-ld:Subscription:1",
    "type": "Subscription",
    "entities": [{"type": "Crane"}],
    "notification": {"endpoint": {"uri": "http://127.0.0.1:9/"}},
}


def attackable() -> dict[str, Any]:
    """Give the document without its security, and with names in paths that lead somewhere."""
    document = deepcopy(describe([route for route in ROUTES if route.answers], max_limit=1_000))
    document["security"] = []
    for name in ("EntityBatch", "FragmentBatch", "IdBatch"):
        document["components"]["schemas"][name]["maxItems"] = 2
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                if parameter.get("in") == "path":
                    parameter["schema"] = {"type": "string", "enum": NAMES[parameter["name"]]}
    return document


OPERATIONS = {
    operation.label: operation
    for operation in (
        found.ok() for found in schemathesis.openapi.from_dict(attackable()).get_all_operations()
    )
}


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


@pytest.fixture(autouse=True)
def furnished(city: Attacked) -> None:
    """Put back what attacks before this one have deleted."""
    city.call("POST", "/entityOperations/upsert", CRANES)
    city.call("POST", "/subscriptions", WATCH)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize("label", OPERATIONS)
def test_every_operation_answers_as_it_is_described(
    label: str, mode: GenerationMode, city: Attacked, session: requests.Session
) -> None:
    try:
        cases = OPERATIONS[label].as_strategy(generation_mode=mode)
    except schemathesis.errors.SchemathesisError:
        pytest.skip("nothing of that kind can be made")

    @settings(
        max_examples=ATTACKS,
        deadline=None,
        database=None,
        derandomize=not ASKED,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def attack(case: Any) -> None:
        answer = case.call(base_url=f"{city.url}/ngsi-ld/v1", session=session, timeout=WAIT_S)
        assert answer.status_code < 500 or answer.status_code in (501, 504), answer.text
        case.validate_response(answer, checks=CHECKS)

    attack()


def test_no_attack_left_a_trace_in_the_log(city: Attacked) -> None:
    assert "Traceback" not in city.log.read_text(encoding="utf-8")
