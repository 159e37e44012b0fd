"""Section `[risk]` of city.toml."""

from __future__ import annotations

from dataclasses import dataclass

from rhinecloud.kernel.checks import more_than
from rhinecloud.kernel.settings import setting


@dataclass(frozen=True, slots=True)
class RiskSettings:
    """Settings of the rules and of their engine."""

    rules: tuple[str, ...] = setting(
        ("rules",), "The city's rule files, or folders of them, in addition to those of packs."
    )
    off: tuple[str, ...] = setting((), "Ids of rules that are switched off.")
    language: str = setting("de", "Language of an alert's plain `description`.")
    tick_s: float = setting(
        0.5, "Interval at which timers are checked between changes.", unit="s", check=more_than(0)
    )
    grace_s: float = setting(
        0.5, "How far timers are behind the clock, so that delayed changes come first.", unit="s"
    )
    max_gap_s: float = setting(60.0, "A longer jump of the clock shifts all deadlines.", unit="s")
    repeat_every_s: float = setting(60.0, "Interval at which a lasting alert is updated.", unit="s")
    shelve_at_most_s: float = setting(
        604_800.0, "The longest time for which an alert is shelved.", unit="s", check=more_than(0)
    )
    save_every_s: float = setting(
        5.0, "Interval at which the state of the rules is saved.", unit="s", check=more_than(0)
    )
