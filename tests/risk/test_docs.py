"""What the docs page shows works, and no key, fact or function is missing on it."""

from __future__ import annotations

import re
from pathlib import Path

from rhinecloud.risk.backtest import read_recording
from rhinecloud.risk.condition import FACTS, FUNCTIONS
from rhinecloud.risk.rule_document import RuleDocument
from rhinecloud.risk.rulebook import check
from rhinecloud.risk.window import FIGURES
from risk.city import CONTEXT

PAGE = (Path(__file__).parents[2] / "docs" / "parts" / "risk.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_rules_on_the_page_are_sound(tmp_path: Path) -> None:
    for text in blocks("yaml"):
        path = tmp_path / "rule.yaml"
        path.write_text(text, encoding="utf-8")
        assert check(path, CONTEXT) == []


def test_the_recording_on_the_page_can_be_read() -> None:
    recordings = [text for text in blocks("json") if '"id"' in text]
    assert recordings
    for text in recordings:
        assert len(list(read_recording(text.splitlines(), CONTEXT))) == 1


def test_every_key_fact_and_function_stands_on_the_page() -> None:
    for word in (*RuleDocument.key_names(), *FACTS - {"e"}, *FUNCTIONS, *FIGURES):
        assert re.search(rf"`[^`]*\b{word}\b[^`]*`", PAGE), f"{word} is not on the page"
