"""Who may pass to a route of the people's API: identity and policy, as dependencies that routes name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import Request

from rhinecloud.app.asgi import Scope
from rhinecloud.audit import AuditTrail
from rhinecloud.identity.credentials import Credentials, RawHeaders, read_credentials
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Forbidden, RhineCloudError, Unauthenticated, Unsupported
from rhinecloud.policy import Action, Authorization

ActorOf = Callable[[Credentials], Actor]
"""Gives the actor behind credentials; raises Unauthenticated (`Identity.actor_of`)."""


AUDITED = frozenset({Action.ADMINISTER, Action.OPERATE})
"""Actions of which each use that changes something stands in the audit trail."""
READING = frozenset({"GET", "HEAD"})


class Authentication:
    """Makes dependencies. All questions are about the city's own tenant."""

    def __init__(
        self,
        actor_of: ActorOf,
        policy: Authorization,
        audit: AuditTrail,
        tenant: str,
        issue: Callable[[Actor], str] | None = None,
    ) -> None:
        """`issue` makes tokens for processes that parts start; without it there are none."""
        self._actor_of = actor_of
        self._issue = issue
        self._audit = audit
        self._policy = policy
        self._tenant = tenant

    def may(self, action: str, *, reads: bool = False) -> Callable[[Request], Any]:
        """Return a dependency that lets through whom the policy permits `action`, and returns the actor.

        What is done with an administrative action is recorded in the audit trail; with `reads` also what is read.
        """

        async def dependency(request: Request) -> AsyncIterator[Actor]:
            actor = self.of_headers(request.scope["headers"])
            self._policy.check(actor, action, self._tenant)
            if action not in AUDITED or (request.method in READING and not reads):
                yield actor
                return
            reason = "failed"
            try:
                yield actor
                reason = ""
            except RhineCloudError as error:
                reason = str(error)
                raise
            finally:
                self._audit.record(actor, action, _resource(request), reason)

        return dependency

    def actions_of(self, actor: Actor) -> list[str]:
        """Return the actions that the policy permits the actor for something or other, by name."""
        return self._policy.actions(actor, self._tenant)

    def token_for(self, actor: Actor) -> str:
        """Return a token that stands for `actor` until the city stops; raise Unsupported where no city runs."""
        if self._issue is None:
            raise Unsupported("tokens for a part's own processes need a running city")
        return self._issue(actor)

    async def signed_in(self, request: Request) -> Actor:
        """Let through whoever is signed in, and give the actor."""
        return self._actor_of(read_credentials(request.scope["headers"]))

    async def anyone(self, request: Request) -> Actor | None:
        """Let everybody through, and give the actor where somebody is signed in and may act."""
        try:
            return self._actor_of(read_credentials(request.scope["headers"]))
        except (Unauthenticated, Forbidden):
            return None

    def may_see_status(self, headers: RawHeaders) -> None:
        """Raise Unauthenticated or Forbidden unless the header fields bring the right to see how the city is."""
        self._policy.check(self.of_headers(headers), Action.SEE_STATUS, self._tenant)

    def of_websocket(self, scope: Scope) -> Actor:
        """Give the actor behind a WebSocket, whose token may stand in the query; raises Unauthenticated."""
        return self._actor_of(read_credentials(scope["headers"], scope.get("query_string", b"")))

    def of_headers(self, headers: RawHeaders) -> Actor:
        """Give the actor behind a request's header fields; raises Unauthenticated."""
        return self._actor_of(read_credentials(headers))


def _resource(request: Request) -> str:
    """Return what a request is about: method and path, and what its route says beside them."""
    subject = getattr(request.state, "subject", "")
    return f"{request.method} {request.url.path}{f' {subject}' if subject else ''}"
