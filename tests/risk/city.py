"""The city's vocabulary and a way to write its changes down shortly."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rhinecloud.kernel.time import format_time
from rhinecloud.ngsild.change import Change
from rhinecloud.ngsild.context import Context, compile_context
from rhinecloud.ngsild.documents import core_vocabulary
from rhinecloud.risk.backtest import RecordedHistory
from rhinecloud.risk.model import Rule
from rhinecloud.risk.rulebook import read_rules

PACKS = Path(__file__).parents[2] / "src" / "rhinecloud_packs"
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def city_context() -> Context:
    """The house's terms and those of the packs beside it."""
    terms = dict(core_vocabulary()["@context"])
    for path in sorted(PACKS.glob("*/context.jsonld")):
        terms = {**json.loads(path.read_text())["@context"], **terms}
    return compile_context(terms, {})


CONTEXT = city_context()


def minute(count: float) -> str:
    """The moment some minutes after noon."""
    return format_time(START + timedelta(minutes=count))


def rule(folder: Path, text: str) -> Rule:
    """Read one sound rule."""
    path = folder / "rule.yaml"
    path.write_text(text, encoding="utf-8")
    rules, faults = read_rules(path, CONTEXT)
    assert faults == []
    return rules[0]


class River:
    """Gauges of a river: each call is one reading."""

    def __init__(self) -> None:
        self._recording = RecordedHistory(CONTEXT)

    def reads(self, level: float, at: float, gauge: str = "ruhrort", **more: Any) -> Change:
        """A level in centimetres, true and learnt some minutes after noon (`learnt`: later)."""
        learnt = more.pop("learnt", at)
        marks = more.pop("marks", {})
        fragment = {
            "id": f"urn:ngsi-ld:WaterObserved:{gauge}",
            "type": "WaterObserved",
            "name": gauge.title(),
            "waterLevel": {"value": level, "unitCode": "CMT", "observedAt": minute(at), **marks},
            **more,
        }
        return self._recording.add(fragment, at=minute(learnt))

    def adds(self, fragment: dict[str, Any], at: float) -> Change:
        """Any other fragment."""
        return self._recording.add(fragment, at=minute(at))
