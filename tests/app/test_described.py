"""What the document of the people's API describes is what the API does: calls made from it, right and wrong ones. How
many: see `conformance.described`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import GenerationMode

from conformance.attacked import Attacked, attacked_city
from conformance.described import ATTACKS, CHECKS, operations_of
from rhinecloud.cli.reference import openapi_document

WAIT_S = 20.0
OPERATIONS = operations_of(openapi_document())


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with attacked_city(tmp_path_factory.mktemp("described") / "city") as running:
        yield running


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


@pytest.fixture
def known(city: Attacked, session: requests.Session) -> dict[str, Any]:
    """Return names, by the parameters of paths, of things that there are, and an incident's version."""

    def post(path: str, body: Any) -> Any:
        return session.post(f"{city.url}/api/v1{path}", json=body, timeout=WAIT_S).json()

    incident = post("/incidents", {"title": "Crane down", "category": "fire", "severity": "high"})
    tasks = f"/incidents/{incident['id']}/tasks"
    tasked = post(tasks, {"title": "Go there", "version": incident["version"]})
    post("/users", {"name": "olga", "roles": ["operator"], "password": "a long enough one"})
    post("/agencies", {"id": "fire", "name": "Feuerwehr"})
    city.call("POST", "/entities", {"id": "urn:x:alert:1", "type": "Alert", "severity": "high"})
    return {
        "incident_id": incident["id"],
        "task_id": tasked["tasks"][0]["id"],
        "version": tasked["version"],
        "name": "olga",
        "agency_id": "urn:ngsi-ld:Agency:fire",
        "alert_id": "urn:x:alert:1",
    }


def can_be_wrong(label: str) -> bool:
    """Return whether an operation takes more than names in its path."""
    operation = OPERATIONS[label]
    return bool(operation.body) or any(each.location != "path" for each in operation.iter_parameters())


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize("label", OPERATIONS)
def test_every_operation_answers_as_it_is_described(
    label: str, mode: GenerationMode, city: Attacked, session: requests.Session, known: dict[str, Any]
) -> None:
    if mode is GenerationMode.NEGATIVE and not can_be_wrong(label):
        pytest.skip("any text is a name, and nothing else is asked for")

    @ATTACKS
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode), is_known=st.booleans())
    def attack(case: Any, is_known: bool) -> None:
        if is_known:
            case.path_parameters = {
                name: known.get(name, value) for name, value in case.path_parameters.items()
            }
            if isinstance(case.body, dict) and "version" in case.body:
                case.body["version"] = known["version"]
        answer = case.call(base_url=city.url, session=session, timeout=WAIT_S)
        assert answer.status_code < 500 or answer.status_code == 501, answer.text  # 501: no part offers that
        case.validate_response(answer, checks=CHECKS)

    attack()


def test_no_attack_left_a_trace_in_the_log(city: Attacked) -> None:
    assert city.process.poll() is None
    assert "Traceback" not in city.log.read_text(encoding="utf-8")
