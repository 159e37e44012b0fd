"""Whatever stands in a rule file, its faults are named; nothing else happens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rhinecloud.risk.rule_document import RuleDocument
from rhinecloud.risk.rulebook import check
from risk.city import CONTEXT, PACKS

SHIPPED = [path.read_text(encoding="utf-8") for path in sorted(PACKS.glob("*/rules/*.yaml"))]
VALUES: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(-1, 1)
    | st.sampled_from(["", "a", "15 min", "1 +", "{x}"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["de", "geometry", "file", "entity", "type", "event", "interval"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
RULES = st.fixed_dictionaries({}, optional=dict.fromkeys(RuleDocument.key_names(), VALUES))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rule.yaml"


@given(written=RULES)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_values_give_a_rule_or_faults_with_places(path: Path, written: dict[str, Any]) -> None:
    path.write_text(json.dumps(written), encoding="utf-8")
    for fault in check(path, CONTEXT):
        assert fault.line == 1
        assert fault.column >= 1
        assert fault.reason


@given(
    text=st.sampled_from(SHIPPED),
    start=st.integers(0, 600),
    cut=st.integers(0, 40),
    put=st.sampled_from(["", ":", "[", "'", "\n", "- ", "{", "&a ", "*a", "!x "]),
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_rule_gives_faults_within_the_file(
    path: Path, text: str, start: int, cut: int, put: str
) -> None:
    damaged = text[:start] + put + text[start + cut :]
    path.write_text(damaged, encoding="utf-8")
    for fault in check(path, CONTEXT):
        assert 1 <= fault.line <= damaged.count("\n") + 2
