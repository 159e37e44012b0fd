"""What the OpenAPI document describes is what the API does: thousands of calls made from it, right and wrong ones. How
many: see `conformance.described`.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import given
from schemathesis import GenerationMode

from conformance.attacked import Attacked
from conformance.described import ATTACKS, CHECKS, operations_of
from rhinecloud.broker.openapi import describe
from rhinecloud.broker.routes import routes_with
from rhinecloud.subscriptions.routes import subscription_routes

ROUTES = routes_with(subscription_routes(None))

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


OPERATIONS = operations_of(attackable())


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

    @ATTACKS
    @given(case=cases)
    def attack(case: Any) -> None:
        answer = case.call(base_url=f"{city.url}/ngsi-ld/v1", session=session, timeout=WAIT_S)
        assert answer.status_code < 500 or answer.status_code in (501, 504), answer.text
        case.validate_response(answer, checks=CHECKS)

    attack()


def test_no_attack_left_a_trace_in_the_log(city: Attacked) -> None:
    assert "Traceback" not in city.log.read_text(encoding="utf-8")
