"""What holds for every stream: cut it, deliver it twice, restart in between, and the same comes out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import mkdtemp

from hypothesis import given, settings
from hypothesis import strategies as st

from rhinecloud.kernel.time import parse_time
from rhinecloud.ngsild.change import Change
from rhinecloud.risk.engine import Engine
from rhinecloud.risk.model import OutcomeKind, Rule, RuleOutcome
from rhinecloud.risk.state import decode_state, encode_state
from risk.city import CONTEXT, START, River, rule

TEXTS = [
    "id: band\ntype: WaterObserved\nwhen: waterLevel >= 60\nclear: waterLevel < 40\n"
    "severity: \"waterLevel > 80 ? 'high' : 'low'\"\n",
    "id: held\ntype: WaterObserved\nwhen: waterLevel >= 50\nfor: 10 min\ncooldown: 20 min\nseverity: low\n",
    "id: rise\ntype: WaterObserved\nseverity: low\n"
    "window: {attribute: waterLevel, over: 30 min}\nwhen: window.change > 20\n",
    "id: silent\ntype: WaterObserved\nsilence: {interval: 5 min}\nseverity: low\n",
    "id: shared\ntype: WaterObserved\nwhen: waterLevel > 70\nfingerprint: \"'all'\"\nexpires: 30 min\nseverity: low\n",
]


@cache
def rules() -> tuple[Rule, ...]:
    folder = Path(mkdtemp())
    return tuple(rule(folder, text) for text in TEXTS)


@dataclass(frozen=True)
class Reading:
    gauge: str
    level: int
    pause_min: int
    delay_min: int


READINGS = st.lists(
    st.builds(
        Reading,
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 100),
        st.integers(0, 12),
        st.sampled_from([0, 0, 0, 3, 30]),
    ),
    max_size=60,
)


def stream(readings: list[Reading]) -> list[Change]:
    river, now, changes = River(), 0.0, []
    for each in readings:
        now += each.pause_min
        changes.append(river.reads(each.level, now - each.delay_min, each.gauge, learnt=now))
    return changes


def judged(changes: list[Change]) -> list[RuleOutcome]:
    return Engine(rules(), CONTEXT).step(changes)


@given(READINGS, st.lists(st.integers(0, 60), max_size=8))
@settings(max_examples=60, deadline=None)
def test_any_cut_of_the_stream_gives_the_same_outcomes(readings: list[Reading], cuts: list[int]) -> None:
    changes = stream(readings)
    engine = Engine(rules(), CONTEXT)
    outcomes: list[RuleOutcome] = []
    edges = sorted({0, *(min(cut, len(changes)) for cut in cuts), len(changes)})
    for begin, end in pairwise(edges):
        outcomes += engine.step(changes[begin:end])
        engine = Engine(rules(), CONTEXT, decode_state(encode_state(engine.state)))
    assert outcomes == judged(changes)


@given(READINGS, st.integers(0, 60), st.integers(0, 60))
@settings(max_examples=40, deadline=None)
def test_what_is_delivered_twice_counts_once(readings: list[Reading], begin: int, end: int) -> None:
    changes = stream(readings)
    engine = Engine(rules(), CONTEXT)
    outcomes = engine.step(changes[:end])
    outcomes += engine.step(changes[min(begin, end) : end])
    outcomes += engine.step(changes[end:])
    assert outcomes == judged(changes)


@given(READINGS, st.integers(0, 60))
@settings(max_examples=40, deadline=None)
def test_after_a_crash_the_same_alerts_come_again_under_the_same_ids(
    readings: list[Reading], saved: int
) -> None:
    changes = stream(readings)
    engine = Engine(rules(), CONTEXT)
    first = engine.step(changes[:saved])
    memory = encode_state(engine.state)
    lost = engine.step(changes[saved:])
    again = Engine(rules(), CONTEXT, decode_state(memory)).step(changes[saved:])
    assert again == lost
    assert first + again == judged(changes)


@given(READINGS)
@settings(max_examples=60, deadline=None)
def test_alerts_rise_repeat_and_end_in_that_order_and_never_two_at_once(readings: list[Reading]) -> None:
    up: dict[tuple[str, str], str] = {}
    for outcome in judged(stream(readings)):
        key = (outcome.rule, outcome.fingerprint)
        if outcome.kind is OutcomeKind.RAISED:
            assert key not in up
            up[key] = outcome.alert_id
        else:
            assert up[key] == outcome.alert_id
            if outcome.kind is OutcomeKind.RESOLVED:
                del up[key]


@given(st.lists(st.integers(40, 59), max_size=40), st.sampled_from([60, 61, 99]))
@settings(max_examples=30, deadline=None)
def test_within_the_band_nothing_flaps(levels: list[int], start: int) -> None:
    def kinds(readings: list[int]) -> list[str]:
        changes = stream([Reading("a", level, 1, 0) for level in readings])
        return [each.kind.value for each in judged(changes) if each.rule == "band"]

    assert "raised" not in kinds(levels)
    assert "resolved" not in kinds([start, *levels])


@given(READINGS, st.lists(st.integers(0, 600), max_size=20))
@settings(max_examples=60, deadline=None)
def test_looking_at_the_clock_in_between_changes_nothing(readings: list[Reading], looks: list[int]) -> None:
    changes = stream(readings)
    engine = Engine(rules(), CONTEXT)
    outcomes: list[RuleOutcome] = []
    waiting = sorted(START.timestamp() + 60 * look for look in looks)
    for change in changes:
        moment = parse_time(change.at).timestamp()
        while waiting and waiting[0] <= moment:
            outcomes += engine.tick(waiting.pop(0))
        outcomes += engine.step([change])
    assert outcomes == judged(changes)
