"""Silences, as in Prometheus Alertmanager: for a time, alerts that match are recorded as suppressed.

A maintenance window is a silence that is made beforehand. A silence is an entity of type `Silence`; it ends by itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from pydantic import AwareDatetime, BaseModel, Field

from rhinecloud.broker.service import Broker
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Invalid, NotFound
from rhinecloud.kernel.ids import NewId
from rhinecloud.kernel.time import Clock, format_time, parse_time
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.policy import Authorization
from rhinecloud.risk.area import Area
from rhinecloud.store.port import Decision, Put

SILENCE = "urn:rhinecloud:ns:Silence"
CREATE, EXPIRE = "risk.create_silence", "risk.expire_silence"
PAGE = 1000

Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=300)]], Field(max_length=100)]


class SilenceMatchers(BaseModel):
    """Which alerts a silence is for: all that are given must match, of a list any one."""

    rule: Names = Field(default=[], description="Ids of rules")
    type: Names = Field(default=[], description="Types of these entities, as in the city's @context")
    entity: Names = Field(default=[], description="Ids of the entities that alerts are about")
    category: Names = Field(default=[], description="Categories of alerts")
    area: dict[str, Any] | None = Field(default=None, description="A GeoJSON polygon in which the alert lies")


class NewSilence(BaseModel):
    """A silence to be created."""

    matchers: SilenceMatchers
    starts_at: AwareDatetime | None = Field(default=None, description="Null: now")
    ends_at: AwareDatetime
    comment: Annotated[str, Field(min_length=1, max_length=2_000, description="The reason")]


class SilenceView(BaseModel):
    """A silence; `status` is `pending`, `active` or `expired`."""

    id: str
    status: str
    matchers: SilenceMatchers
    starts_at: str
    ends_at: str
    comment: str
    author: str


class AlertTraits(msgspec.Struct, frozen=True):
    """What a silence can match of an alert."""

    rule: str
    types: tuple[str, ...]
    entity: str
    category: str
    location: Any


class AlertSilence:
    """A silence that was read, prepared for many alerts."""

    def __init__(self, view: SilenceView) -> None:
        """Raise Invalid where its area is none."""
        self.view = view
        self.starts_at, self.ends_at = parse_time(view.starts_at), parse_time(view.ends_at)
        self._area = Area(view.matchers.area) if view.matchers.area else None

    def is_active(self, now: datetime) -> bool:
        """Return whether it is in force."""
        return self.starts_at <= now < self.ends_at

    def matches(self, alert: AlertTraits) -> bool:
        """Return whether it is for an alert."""
        wanted = self.view.matchers
        named = ((wanted.rule, alert.rule), (wanted.entity, alert.entity), (wanted.category, alert.category))
        if any(names and name not in names for names, name in named):
            return False
        if wanted.type and set(wanted.type).isdisjoint(alert.types):
            return False
        return self._area is None or self._area.contains(alert.location)


class Silences:
    """The silences of one tenant."""

    def __init__(
        self,
        broker: Broker,
        policy: Authorization,
        context: Context,
        clock: Clock,
        new_id: NewId,
        tenant: str = "",
    ) -> None:
        self._broker = broker
        self._policy = policy
        self._context = context
        self._clock = clock
        self._new_id = new_id
        self._tenant = tenant

    async def create(self, actor: Actor, new: NewSilence) -> SilenceView:
        """Create a silence; raise Denied, or Invalid for its times, its area, or where it would match every alert."""
        self._policy.check(actor, CREATE, self._tenant, (SILENCE,))
        now = self._clock()
        starts_at = max(new.starts_at or now, now)
        if new.ends_at <= starts_at:
            raise Invalid("must lie after its start, and in the future", field="ends_at")
        if not new.comment.strip():
            raise Invalid("must not be empty", field="comment")
        matchers = new.matchers.model_dump(exclude_defaults=True)
        if not matchers:
            raise Invalid("must have a rule, a type, an entity, a category or an area", field="matchers")
        if new.matchers.area is not None:
            try:
                Area(new.matchers.area)
            except Invalid as error:
                raise Invalid(error.reason, field="matchers.area") from None
        attributes = {
            "matchers": Instance(type="JsonProperty", value=matchers),
            "startsAt": _moment(starts_at),
            "endsAt": _moment(new.ends_at),
            "comment": Instance(value=new.comment),
            "author": Instance(value=actor.id),
        }
        attrs = {self._context.expand(name): [each] for name, each in attributes.items()}
        entity = Entity(id=self._new_id("Silence"), type=[SILENCE], attrs=attrs)
        patched = patch.create(entity, format_time(now))
        put = Put(patched.entity, patched.changed, patched.previous)
        await self._broker.edit(actor, self._tenant, entity.id, lambda _: put, action=CREATE)
        return self.view(entity)

    async def expire(self, actor: Actor, silence_id: str) -> SilenceView:
        """End a silence now; one that is over stays as it is. Raise Denied or NotFound."""
        now = self._clock()

        def decide(entity: Entity | None) -> Decision:
            self._policy.check(actor, EXPIRE, self._tenant, (SILENCE,))
            if entity is None or SILENCE not in entity.type:
                raise NotFound(f"there is no silence {silence_id}")
            if parse_time(self.view(entity).ends_at) <= now:
                return None
            ends = {self._context.expand("endsAt"): [_moment(now)]}
            patched = patch.append(entity, Entity(id=entity.id, type=[], attrs=ends), format_time(now))
            return Put(patched.entity, patched.changed, patched.previous)

        written = await self._broker.edit(actor, self._tenant, silence_id, decide, action=EXPIRE)
        if written.entity is None:
            raise NotFound(f"there is no silence {silence_id}")
        return self.view(written.entity)

    async def list(self, actor: Actor) -> list[SilenceView]:
        """Return every silence that the actor may read, the newest first."""
        found: list[SilenceView] = []
        while True:
            query = EntityQuery(types=((SILENCE,),), limit=PAGE, offset=len(found))
            page = await self._broker.query(actor, self._tenant, query)
            found += [self.view(stored.entity()) for stored in page.items]
            if not page.more:
                return sorted(found, key=lambda each: each.starts_at, reverse=True)

    def view(self, entity: Entity) -> SilenceView:
        """Return a silence as the API shows it."""

        def value(name: str) -> Any:
            instance = entity.first(self._context.expand(name))
            found = instance.value if instance else ""
            return found["@value"] if isinstance(found, dict) and "@value" in found else found

        now, starts_at, ends_at = self._clock(), value("startsAt"), value("endsAt")
        status = "pending" if parse_time(starts_at) > now else "active"
        return SilenceView(
            id=entity.id,
            status="expired" if parse_time(ends_at) <= now else status,
            matchers=SilenceMatchers.model_validate(value("matchers")),
            starts_at=starts_at,
            ends_at=ends_at,
            comment=value("comment"),
            author=value("author"),
        )


def _moment(moment: datetime) -> Instance:
    return Instance(value={"@type": "DateTime", "@value": format_time(moment)})
