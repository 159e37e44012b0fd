"""The settings of risk: section `[risk]` of city.toml."""

from __future__ import annotations

from dataclasses import dataclass

from rhinecloud.kernel.checks import more_than
from rhinecloud.kernel.settings import setting


@dataclass(frozen=True, slots=True)
class RiskSettings:
    """How rules are read and how often the engine looks up."""

    rules: tuple[str, ...] = setting(("rules",), "Rule files, or folders of them, beside the packs' own.")
    off: tuple[str, ...] = setting((), "Ids of rules that are not to run.")
    language: str = setting("de", "Language of the alert's plain `description`.")
    tick_s: float = setting(
        0.5, "How often timers are looked at while nothing happens.", unit="s", check=more_than(0)
    )
    grace_s: float = setting(0.5, "How far timers stay behind the clock, for changes on their way.", unit="s")
    max_gap_s: float = setting(60.0, "A longer leap of the clock is not waiting: nobody watched.", unit="s")
    repeat_every_s: float = setting(60.0, "How often a lasting alert is written anew.", unit="s")
    save_every_s: float = setting(
        5.0, "How often the engine's memory is written down.", unit="s", check=more_than(0)
    )
