"""The routes of risk in the people's API: rules with their counters, and alerts with their evidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.severity import Severity
from rhinecloud.risk.alerts import Alerts
from rhinecloud.risk.consumer import Risk
from rhinecloud.risk.counters import RuleCounters
from rhinecloud.risk.model import Rule

Dependency = Callable[[Request], Any]


class AlertView(BaseModel):
    """One alert with its texts, its rule, the readings as evidence, and its incident."""

    id: str
    status: str
    severity: str
    category: str
    sub_category: str | None
    title: dict[str, str]
    message: dict[str, str]
    entity: Any
    location: dict[str, Any] | None
    issued_at: str
    valid_from: str | None
    valid_to: str | None
    last_seen: str | None
    resolved_at: str | None
    resolution: str | None
    occurrences: int
    rule: str | None
    rule_version: int | None
    rule_digest: str | None
    evidence: list[dict[str, Any]]
    simulated: bool
    calls_for_incident: bool
    incident: str | None


class AlertPage(BaseModel):
    """Alerts, the newest first."""

    items: list[AlertView]
    total: int
    more: bool


class RuleView(BaseModel):
    """One rule in force and its counters since the city started."""

    id: str
    version: int
    digest: str
    kind: str
    title: dict[str, str]
    description: dict[str, str]
    types: list[str]
    severity: str
    category: str
    file: str
    active_alerts: int
    evaluated: int
    fired: int
    resolved: int
    late: int
    weak: int
    errors: int
    last_error: str
    last_error_at: str
    last_fired_at: str


class RuleProblemView(BaseModel):
    """A fault in a rule file, whose rules are therefore not in force."""

    file: str
    line: int
    column: int
    reason: str


class RuleList(BaseModel):
    """The rules in force, and the faults of rule files."""

    items: list[RuleView]
    problems: list[RuleProblemView]


def risk_routes(risk: Risk, alerts: Alerts, viewer: Dependency, signed_in: Dependency) -> APIRouter:
    """Return the routes of `/rules` and `/alerts`; `viewer` needs the right to see the status, `signed_in` sign-in."""
    router = APIRouter(tags=["risk"])

    @router.get("/rules", operation_id="listRules", dependencies=[Depends(viewer)])
    async def list_rules() -> RuleList:
        """List the rules with their counters, and the faults of rule files."""
        return RuleList(
            items=[_view(*each) for each in risk.rules()],
            problems=[
                RuleProblemView(file=each.file, line=each.line, column=each.column, reason=each.sentence)
                for each in risk.rulebook.problems
            ],
        )

    @router.get("/alerts", operation_id="listAlerts")
    async def list_alerts(
        status: str = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        offset: Annotated[int, Query(ge=0)] = 0,
        who: Actor = Depends(signed_in),
    ) -> AlertPage:
        """List alerts, the newest first; `status` is `active` or `resolved`."""
        page = await alerts.list(who, status=status, limit=limit, offset=offset)
        items = [AlertView.model_validate(each) for each in page.items]
        return AlertPage(items=items, total=page.total or 0, more=page.more)

    return router


def _view(rule: Rule, counters: RuleCounters, active: int) -> RuleView:
    return RuleView(
        id=rule.id,
        version=rule.version,
        digest=rule.digest,
        kind=rule.kind,
        title=dict(rule.title),
        description=dict(rule.description),
        types=list(rule.types),
        severity=rule.severity.value if isinstance(rule.severity, Severity) else rule.severity.source,
        category=rule.category,
        file=rule.source,
        active_alerts=active,
        evaluated=counters.evaluated,
        fired=counters.fired,
        resolved=counters.resolved,
        late=counters.late,
        weak=counters.weak,
        errors=counters.errors,
        last_error=counters.last_error,
        last_error_at=counters.last_error_at,
        last_fired_at=counters.last_fired_at,
    )
