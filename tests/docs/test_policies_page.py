"""The policies of the page "Write a policy" are sound in the example city, and decide as the page's tables say."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest

from rhinecloud.app.foundation import city_terms
from rhinecloud.app.parts import CORE, rights_of
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.loader import find_packs
from rhinecloud.ngsild.context import Context, compile_context
from rhinecloud.ngsild.parsing import parse_fragment
from rhinecloud.policy import Areas, Authorization, CoreAction, Policies, PolicySource, read_areas

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operators/policies.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"^```cedar\n(.*?)^```\n\n((?:^\|[^\n]*\n)+)", re.MULTILINE | re.DOTALL)
EXAMPLES = [(text, table.splitlines()) for text, table in EXAMPLE.findall(PAGE)]


@pytest.fixture(scope="module")
def vocabulary() -> Context:
    terms, _ = city_terms(ROOT / "examples/duisburg", CORE, find_packs())
    return compile_context(terms, {})


@pytest.fixture
def areas(tmp_path: Path) -> Areas:
    (feature,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "harbour.geojson").write_text(feature, encoding="utf-8")
    return read_areas(tmp_path)


def actor(cell: dict[str, Any]) -> Actor:
    roles = frozenset(map(Role, cell["roles"]))
    agency, purpose = cell.get("agency", ""), cell.get("purpose", "")
    return Actor(cell.get("id", "urn:x:someone"), "someone", roles, agency, purpose=purpose)


def test_the_page_has_an_example_of_each_kind() -> None:
    assert len(EXAMPLES) == PAGE.count("```cedar") == 7


@pytest.mark.parametrize(("text", "table"), EXAMPLES)
def test_a_policy_of_the_page_decides_as_the_page_says(
    text: str, table: list[str], vocabulary: Context, areas: Areas
) -> None:
    owner = text.splitlines()[0].removeprefix("// ")
    policies = Policies(rights_of(CORE), [PolicySource(owner, text)], vocabulary, areas)
    action = table[0].strip("| ").rpartition(" ")[2]
    for row in table[2:]:
        who, what, at, answer = (cell.strip(" `") for cell in row.strip("|").split("|"))
        shown = json.loads(what)
        creator = shown.pop("owner", "")
        entity = parse_fragment({"id": "urn:x:1", **shown}, vocabulary)
        entity.created_by = creator
        moment = datetime.combine(datetime(2026, 11, 2, tzinfo=UTC), time.fromisoformat(at), UTC)
        allowed = Authorization(policies, lambda moment=moment: moment).allows(
            actor(json.loads(who)), action, "", (), entity
        )
        assert allowed == (answer == "yes"), row


def test_every_policy_of_the_page_is_sound_beside_the_others(vocabulary: Context, areas: Areas) -> None:
    texts = re.findall(r"^```cedar\n// (\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(texts) == 7
    Policies(rights_of(CORE), [PolicySource(*each) for each in texts], vocabulary, areas)


def test_the_page_names_every_action_of_the_core() -> None:
    listed = PAGE.partition("Actions are ")[2].partition(", and those")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == set(CoreAction)
