"""The routes of risk in the people's API: rules with their counters, and alerts with their evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.severity import Severity
from rhinecloud.part import Actions
from rhinecloud.risk.actions import SILENCE_SUMMARIES, SUMMARIES, AlertNote, Shelving
from rhinecloud.risk.alert_acts import AlertAct
from rhinecloud.risk.alerts import QUERIES, Alerts
from rhinecloud.risk.consumer import Risk
from rhinecloud.risk.counters import RuleCounters
from rhinecloud.risk.model import Rule
from rhinecloud.risk.silences import CREATE, EXPIRE, NewSilence, Silences, SilenceView

Dependency = Callable[[Request], Any]
PEOPLE = ("acknowledged_by", "shelved_by", "resolved_by")


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
    acknowledged_at: str | None
    acknowledged_by: str | None = Field(description="A name, or the id of an account that is gone")
    acknowledgement_note: str | None
    shelved_at: str | None
    shelved_until: str | None
    shelved_by: str | None
    shelving_reason: str | None
    resolved_by: str | None = Field(description="Who cleared it by hand")
    resolution_note: str | None
    suppressed_by: list[str] = Field(description="The silences that are in force for it, by id")


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


@dataclass(frozen=True, slots=True)
class AlertServices:
    """What the routes of alerts call; `name_of` returns the name of an account."""

    alerts: Alerts
    actions: Actions
    silences: Silences
    name_of: Callable[[str], str] = str

    def view(self, row: dict[str, Any]) -> AlertView:
        """Return the view of a row of `Alerts`."""
        names = {name: self.name_of(row[name]) for name in PEOPLE if row[name]}
        return AlertView.model_validate({**row, **names})

    async def call(
        self, actor: Actor, act: AlertAct, alert_id: str, parameters: BaseModel | None
    ) -> AlertView:
        """Do an act by its action, and return the alert."""
        given = parameters.model_dump(mode="json", exclude_none=True) if parameters else {}
        await self.actions.call(actor, act.action, {**given, "alert": alert_id})
        return self.view(await self.alerts.get(actor, alert_id))


def risk_routes(risk: Risk, services: AlertServices, viewer: Dependency, signed_in: Dependency) -> APIRouter:
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
        status: Annotated[str, Query(description=f"{', '.join(QUERIES)}; empty: all")] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        offset: Annotated[int, Query(ge=0)] = 0,
        who: Actor = Depends(signed_in),
    ) -> AlertPage:
        """List alerts, the newest first."""
        page = await services.alerts.list(who, status=status, limit=limit, offset=offset)
        items = [services.view(each) for each in page.items]
        return AlertPage(items=items, total=page.total or 0, more=page.more)

    router.include_router(_acting(services, signed_in))
    router.include_router(_silencing(services, signed_in))
    return router


def _silencing(services: AlertServices, signed_in: Dependency) -> APIRouter:
    router = APIRouter(prefix="/silences")

    @router.get("", summary="Every silence, the newest first")
    async def list_silences(who: Actor = Depends(signed_in)) -> list[SilenceView]:
        return await services.silences.list(who)

    @router.post("", status_code=201, summary=SILENCE_SUMMARIES[CREATE])
    async def create_silence(body: NewSilence, who: Actor = Depends(signed_in)) -> SilenceView:
        made = await services.actions.call(who, CREATE, body.model_dump(mode="json", exclude_none=True))
        return SilenceView.model_validate(made)

    @router.post("/{silence_id}/expire", summary=SILENCE_SUMMARIES[EXPIRE])
    async def expire_silence(silence_id: str, who: Actor = Depends(signed_in)) -> SilenceView:
        return SilenceView.model_validate(await services.actions.call(who, EXPIRE, {"silence": silence_id}))

    return router


def _acting(services: AlertServices, signed_in: Dependency) -> APIRouter:
    router = APIRouter(prefix="/alerts/{alert_id}")

    @router.post("/acknowledge", summary=SUMMARIES[AlertAct.ACKNOWLEDGE])
    async def acknowledge_alert(
        alert_id: str, body: AlertNote | None = None, who: Actor = Depends(signed_in)
    ) -> AlertView:
        return await services.call(who, AlertAct.ACKNOWLEDGE, alert_id, body)

    @router.post("/shelve", summary=SUMMARIES[AlertAct.SHELVE])
    async def shelve_alert(alert_id: str, body: Shelving, who: Actor = Depends(signed_in)) -> AlertView:
        return await services.call(who, AlertAct.SHELVE, alert_id, body)

    @router.post("/unshelve", summary=SUMMARIES[AlertAct.UNSHELVE])
    async def unshelve_alert(alert_id: str, who: Actor = Depends(signed_in)) -> AlertView:
        return await services.call(who, AlertAct.UNSHELVE, alert_id, None)

    @router.post("/clear", summary=SUMMARIES[AlertAct.CLEAR])
    async def clear_alert(
        alert_id: str, body: AlertNote | None = None, who: Actor = Depends(signed_in)
    ) -> AlertView:
        return await services.call(who, AlertAct.CLEAR, alert_id, body)

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
