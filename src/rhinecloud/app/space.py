"""One space of a city: its foundation, the access to it, and the context in which its parts are opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from rhinecloud.app.assembly import Assembly
from rhinecloud.app.authentication import Authentication
from rhinecloud.app.edge import CityEdge
from rhinecloud.app.foundation import Foundation
from rhinecloud.app.logs import LogSettings
from rhinecloud.app.measured import log_response
from rhinecloud.app.parts import NAMES
from rhinecloud.app.problem import Problems
from rhinecloud.app.recording import record_act
from rhinecloud.app.routes.city import CityDescription
from rhinecloud.app.settings import ServerSettings
from rhinecloud.kernel.actor import Actor
from rhinecloud.part import Actions, Addresses, HttpEdge, Mode, PartContext


class Space:
    """The parts over one foundation, for one mode."""

    def __init__(self, foundation: Foundation, access: Authentication, mode: Mode) -> None:
        self.foundation = foundation
        self.access = access
        self.mode = mode
        self.parts = foundation.settings.parts
        self.actions = Actions(self._allow, self._record)
        self.assembly = Assembly(self.parts, NAMES, self.actions, foundation.policy.policies.actions)
        self.description = CityDescription(foundation, self.assembly)
        self.problems = Problems(row for part in self.parts.loaded for row in part.errors)
        settings = foundation.settings
        log = settings.section("log", LogSettings).access
        self.edge = CityEdge(self.problems, settings.server.max_body_bytes, log=log)
        foundation.services.add(HttpEdge, self.edge)

    def context(self, mqtt_url: str = "") -> PartContext:
        """Return the context in which the parts of this space are opened."""
        foundation = self.foundation
        settings = foundation.settings
        server = settings.section("server", ServerSettings)
        return PartContext(
            space=foundation.tenant,
            folder=settings.folder,
            data=settings.data,
            settings=settings,
            tables=settings.tables,
            clock=foundation.clock,
            started_at=foundation.started_at,
            vocabulary=foundation.context,
            terms=foundation.terms,
            content=foundation.content,
            services=foundation.services,
            actions=self.actions,
            access=self.access,
            addresses=Addresses(
                url=server.public_url or server.url,
                https=server.https,
                mqtt_url=mqtt_url,
                host=server.host,
            ),
            describe=self.description.describe,
            area=settings.city.area(),
            zone=ZoneInfo(settings.city.timezone),
            log_request=log_response if settings.section("log", LogSettings).access else None,
            mode=self.mode,
        )

    def origins(self) -> list[str]:
        """Return the web origins whose pages may send requests."""
        public = self.foundation.settings.server.public_url
        return [*self.assembly.origins(), *([public] if public else [])]

    def _record(
        self, actor: Actor, name: str, parameters: Mapping[str, Any], error: BaseException | None
    ) -> None:
        """Record the call of an action: of its parameters the names, for their values may be personal."""
        record_act(self.foundation.audit, actor, name, ", ".join(sorted(parameters)), error)

    def _allow(self, actor: Actor, name: str) -> None:
        policy, space = self.foundation.policy, self.foundation.tenant
        if not self.actions.get(name).checks_entity:
            policy.check(actor, name, space)
        elif not policy.offers(actor, name, space):
            policy.check_could(actor, name, space)


def open_to(foundation: Foundation, mode: Mode) -> Space:
    """Return the space of a foundation with its own accounts and tokens."""
    issue = foundation.identity.tokens.issue_temporary if mode is Mode.RUNNING else None
    access = Authentication(
        foundation.identity.actor_of, foundation.policy, foundation.audit, foundation.tenant, issue
    )
    return Space(foundation, access, mode)
