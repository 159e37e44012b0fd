"""An alert as incidents see it: whether it calls for one, whether it is over, where it is, which one has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rhinecloud.incidents.model import ALERT
from rhinecloud.kernel.severity import Severity
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity

SUPPRESSING = ("shelvedUntil", "suppressedBy")


@dataclass(frozen=True, slots=True)
class AlertSignal:
    """The parts of an `Alert` that matter here; `title` and `text` are by language."""

    id: str
    is_active: bool
    calls_for_incident: bool
    resolves_incident: bool
    severity: Severity
    category: str
    title: dict[str, str]
    text: dict[str, str]
    location: dict[str, Any] | None
    fingerprint: str
    incident: str
    simulated: bool
    is_suppressed: bool = False
    """Whether it is shelved or silenced: it opens no incident until that is over."""


def is_alert(entity: Entity) -> bool:
    """Return whether an entity is an alert."""
    return ALERT in entity.type


def read_signal(entity: Entity, context: Context) -> AlertSignal:
    """Read an alert of a rule or of another system; what it does not say gets its default."""

    def value(name: str) -> Any:
        instance = entity.first(context.expand(name))
        return instance.value if instance else None

    severity = value("severity")
    rule, fingerprint = value("rule"), value("fingerprint")
    location = value("location")
    return AlertSignal(
        id=entity.id,
        is_active=value("status") != "resolved",
        calls_for_incident=value("callsForIncident") is True,
        resolves_incident=value("resolvesIncident") is True,
        severity=Severity(severity) if severity in list(Severity) else Severity.MEDIUM,
        category=str(value("category") or "other"),
        title=_texts(value("title") or value("name") or value("subCategory") or value("category") or "Alert"),
        text=_texts(value("message") or value("description") or ""),
        location=location if isinstance(location, dict) else None,
        fingerprint=f"{rule}|{fingerprint}" if rule and fingerprint else "",
        incident=str(value("incident") or ""),
        simulated=value("simulated") is True,
        is_suppressed=any(value(name) is not None for name in SUPPRESSING),
    )


def _texts(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {str(language): str(text) for language, text in value.items()}
    return {"de": str(value), "en": str(value)}


def choose(texts: dict[str, str], language: str) -> str:
    """Return the text in a language, else in any."""
    return texts.get(language) or next(iter(texts.values()), "")
