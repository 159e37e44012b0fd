"""What risk contributes: the rules over the stream, alerts, and `/rules` and `/alerts`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric
from pydantic import BaseModel

from rhinecloud.broker.service import Broker
from rhinecloud.identity import Identity
from rhinecloud.kernel.actor import part
from rhinecloud.kernel.faults import ErrorCollector, unknown
from rhinecloud.kernel.ids import KeyedIds, new_urn
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.region import CityArea
from rhinecloud.ngsild.spelling import misspelt
from rhinecloud.part import (
    ApplyReload,
    CheckFiles,
    ConsumerState,
    Content,
    Finding,
    OpenPart,
    Part,
    PartContext,
    Reload,
    Settings,
)
from rhinecloud.part.metrics import PREFIX
from rhinecloud.policy import Authorization
from rhinecloud.risk.actions import alert_actions, silence_actions
from rhinecloud.risk.alert_acts import AlertActs
from rhinecloud.risk.alerts import Alerts
from rhinecloud.risk.consumer import Risk, RiskServices
from rhinecloud.risk.content import RULES
from rhinecloud.risk.rights import risk_rights
from rhinecloud.risk.routes import AlertServices, risk_routes
from rhinecloud.risk.rulebook import Rulebook, read_rulebook
from rhinecloud.risk.settings import RiskSettings
from rhinecloud.risk.silences import Silences
from rhinecloud.risk.suppression import Suppression
from rhinecloud.store.port import Store
from rhinecloud.stream.connection import StreamConnection

READER = part("status")


class RulesView(BaseModel):
    """The numbers of rules in force and of faulty files, with their faults."""

    loaded: int
    failed: int
    errors: list[str]


class RiskFigures(BaseModel):
    """Active alerts, and the rules that raise them."""

    alerts_active: int
    alerts_shelved: int
    rules: RulesView


def read_city_rules(
    folder: Path, settings: Settings, content: Content, context: Context, area: CityArea
) -> Rulebook:
    """Return the rules of packs and city; a rule of the city replaces a pack's rule with the same id."""
    own = [folder / path for path in settings.section("risk", RiskSettings).rules]
    of_packs = [rule for rules in content.values(RULES) for rule in rules]
    rulebook = read_rulebook([path for path in own if path.exists()], context, of_packs, folder)
    rulebook.area = area
    return rulebook


@asynccontextmanager
async def open_risk(context: PartContext) -> AsyncIterator[OpenPart]:
    """Open the rules of this space."""
    services = context.services
    broker = services.get(Broker)
    silences = Silences(
        broker, services.get(Authorization), context.vocabulary, context.clock, new_urn, context.space
    )
    suppression = Suppression(broker, silences, context.vocabulary, context.clock, context.space)
    await suppression.update()
    risk = Risk(
        read_city_rules(context.folder, context.settings, context.content, context.vocabulary, context.area),
        RiskServices(
            broker,
            services.get(Store),
            services.get(StreamConnection).stream,
            context.clock,
            services.get(KeyedIds).derive,
            suppression.silences_of,
        ),
        context.settings.section("risk", RiskSettings),
        context.space,
    )
    own = context.settings.section("risk", RiskSettings)
    alerts = Alerts(broker, context.vocabulary, context.space)
    acts = AlertActs(
        broker,
        services.get(Authorization),
        context.vocabulary,
        context.clock,
        own.shelve_at_most_s,
        context.space,
    )
    shown = AlertServices(alerts, context.actions, silences, services.get(Identity).accounts.name_of)

    async def status() -> dict[str, Any]:
        problems = [str(problem) for problem in risk.rulebook.problems]
        rules = {"loaded": len(risk.rules()), "failed": len(problems), "errors": problems}
        return {
            "alerts_active": await alerts.count(READER, "active"),
            "alerts_shelved": await alerts.count(READER, "shelved"),
            "rules": rules,
        }

    async def metrics() -> list[Metric]:
        return [
            GaugeMetricFamily(
                f"{PREFIX}alerts_active", "Alerts that are active.", await alerts.count(READER, "active")
            )
        ]

    async def prepare_reload(reload: Reload) -> ApplyReload:
        rulebook = read_city_rules(
            context.folder, context.settings, reload.content, context.vocabulary, context.area
        )
        collector = ErrorCollector()
        collector.found.extend(rulebook.problems)
        collector.finish()

        async def apply() -> list[str]:
            return risk.replace_rules(rulebook)

        return apply

    viewer = context.access.may("see_status")
    yield OpenPart(
        routers=[risk_routes(risk, shown, viewer, context.access.signed_in)],
        workers={"risk": risk.run, "suppression": suppression.run},
        actions=[
            *alert_actions(acts, context.clock, suppression.wake),
            *silence_actions(silences, suppression.update),
        ],
        status=status,
        consumers=lambda: [ConsumerState("risk", risk.status().lag)],
        metrics=metrics,
        prepare_reload=prepare_reload,
    )


def check_rules(files: CheckFiles) -> Iterable[Finding]:
    """Check every rule, and the settings that name rules and files of rules."""
    settings = files.settings.section("risk", RiskSettings)
    rulebook = read_city_rules(files.folder, files.settings, files.content, files.vocabulary, files.area)
    yield Finding("rules", f"{len(rulebook.rules)} rules")
    for problem in rulebook.problems:
        yield Finding("rules", problem.file, str(problem), field=problem.file, reason=str(problem))
    collector = ErrorCollector()
    for path in settings.rules:
        if settings.rules != RiskSettings().rules and not (files.folder / path).exists():
            collector.add(f"must be an existing file or folder, not {files.folder / path}", "risk.rules")
    known = {rule.id for rule in rulebook.rules}
    for rule_id in settings.off:
        if rule_id not in known:
            collector.add(unknown(f"rule {rule_id!r}", rule_id, known), "risk.off")
    for rule in rulebook.rules:
        own = [rule.context] if rule.context is not None else []
        for name in rule.types:
            if reason := misspelt("type", name, files.vocabulary, *own):
                collector.add(reason, f"rule {rule.id}: type")
    for each in collector.found:
        yield Finding("rules", each.field, str(each), field=each.field, reason=each.reason)


PART = Part(
    name="risk",
    summary="Rules over the stream: they raise alerts with their evidence.",
    open=open_risk,
    content=(RULES,),
    settings={"risk": RiskSettings},
    rights=risk_rights(),
    records={"risk": "The state of the rules between two changes."},
    status=RiskFigures,
    check=check_rules,
)
