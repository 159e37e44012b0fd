"""The settings of incidents: section `[incidents]` of city.toml."""

from __future__ import annotations

from dataclasses import dataclass

from rhinecloud.kernel.settings import setting


@dataclass(frozen=True, slots=True)
class IncidentSettings:
    """How alerts become incidents."""

    language: str = setting(
        "de", "Language of the title and description of an incident that an alert opened."
    )
    attach_distance_m: float = setting(
        300.0,
        "An alert at most this far from an open incident of the same category joins it; 0: never.",
        unit="m",
    )
    reopen_within_s: float = setting(
        3600.0,
        "An incident that was resolved at most this long ago is reopened where its alert becomes more severe or occurs "
        "again; later, a new incident is opened.",
        unit="s",
    )
