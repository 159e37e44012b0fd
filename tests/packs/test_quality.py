"""Every pack of this repository keeps what its quality table promises, and its recordings become what they must."""

from __future__ import annotations

from pathlib import Path

import pytest

from rhinecloud.app.parts import find_parts, kinds_of
from rhinecloud.cli.packs.ladder import LADDER, Tier, grade
from rhinecloud.cli.packs.trial import run_trials
from rhinecloud.loader import LoadedPack, find_packs

KINDS = kinds_of(find_parts().loaded)
OURS = [each for each in find_packs(kinds=KINDS).loaded if "rhinecloud_packs" in each.pack.root.parts]


@pytest.fixture(params=OURS, ids=lambda pack: pack.name)
def pack(request: pytest.FixtureRequest) -> LoadedPack:
    found: LoadedPack = request.param
    return found


def test_all_packs_of_the_repository_are_looked_at() -> None:
    assert {each.name for each in OURS} >= {"port", "transport", "environment"}


def test_recordings_become_the_expected_entities_which_fit_their_types(pack: LoadedPack) -> None:
    faults = {trial.name: trial.faults for trial in run_trials(pack) if trial.faults}
    assert faults == {}


def test_the_marks_of_quality_are_true_and_reach_silver(pack: LoadedPack) -> None:
    report = grade(pack)
    assert report.problems == []
    assert report.tier in ("silver", "gold")


def test_what_a_machine_finds_done_is_not_left_as_todo(pack: LoadedPack) -> None:
    behind = [
        each.rule.name
        for each in grade(pack).verdicts
        if each.mark == "todo" and each.rule.verify is not None and not each.missing
    ]
    assert behind == []


def test_the_page_names_every_rule_of_the_ladder_by_its_tier() -> None:
    page = (Path(__file__).parents[2] / "docs" / "packs.md").read_text(encoding="utf-8")
    for tier in Tier:
        names = " ".join(f"`{rule.name}`" for rule in LADDER if rule.tier is tier)
        assert f"| {tier.value} | {names} |" in page
