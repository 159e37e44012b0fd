"""Authentication and authorization of the people's API, as dependencies of routes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import Depends, Request

from rhinecloud.app.asgi import Scope
from rhinecloud.app.recording import record_act
from rhinecloud.audit import AuditTrail
from rhinecloud.identity.credentials import Credentials, RawHeaders, read_credentials
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Forbidden, Unauthenticated, Unsupported
from rhinecloud.policy import Authorization, CoreAction

ActorOf = Callable[[Credentials], Actor]
"""Returns the actor of credentials, or raises Unauthenticated (`Identity.actor_of`)."""


AUDITED = frozenset({CoreAction.ADMINISTER, CoreAction.OPERATE})
"""Actions of which each use that changes something is recorded in the audit trail."""
READING = frozenset({"GET", "HEAD"})


class Authentication:
    """Makes the dependencies; all of them concern the city's own tenant."""

    def __init__(
        self,
        actor_of: ActorOf,
        policy: Authorization,
        audit: AuditTrail,
        tenant: str,
        issue: Callable[[Actor], str] | None = None,
    ) -> None:
        """`issue` returns a token for a process that a part starts; without it there are no such tokens."""
        self._actor_of = actor_of
        self._issue = issue
        self._audit = audit
        self._policy = policy
        self._tenant = tenant

    def may(self, action: str, *, reads: bool = False) -> Callable[..., Any]:
        """Return a dependency that returns the actor, and raises where the policy does not permit `action`.

        Changes by an administrative action are recorded in the audit trail, with `reads` also what is read.
        """

        async def recorded(request: Request) -> AsyncIterator[Actor]:
            actor = self.of_headers(request.scope["headers"])
            self._policy.check(actor, action, self._tenant)
            if action not in AUDITED or (request.method in READING and not reads):
                yield actor
                return
            try:
                yield actor
            except BaseException as error:
                record_act(self._audit, actor, action, _resource(request), error)
                raise
            record_act(self._audit, actor, action, _resource(request), None)

        # The scope ends before the answer is sent: what the client was told must be on record.
        async def dependency(actor: Actor = Depends(recorded, scope="function")) -> Actor:
            return actor

        return dependency

    def actions_of(self, actor: Actor) -> list[str]:
        """Return the names of the actions that the policy permits the actor for at least one resource."""
        return self._policy.actions(actor, self._tenant)

    def token_for(self, actor: Actor) -> str:
        """Return a token of `actor` that is valid until the city stops; raise Unsupported where it is not running."""
        if self._issue is None:
            raise Unsupported("the city must be running to issue tokens for a part's own processes")
        return self._issue(actor)

    async def signed_in(self, request: Request) -> Actor:
        """Return the actor of a request; raise Unauthenticated where there is none."""
        return self._actor_of(read_credentials(request.scope["headers"]))

    async def anyone(self, request: Request) -> Actor | None:
        """Return the actor of a request, None where it has no valid credentials."""
        try:
            return self._actor_of(read_credentials(request.scope["headers"]))
        except (Unauthenticated, Forbidden):
            return None

    def may_see_status(self, headers: RawHeaders) -> None:
        """Raise Unauthenticated or Forbidden unless the header fields permit to see the status."""
        self._policy.check(self.of_headers(headers), CoreAction.SEE_STATUS, self._tenant)

    def of_websocket(self, scope: Scope) -> Actor:
        """Return the actor of a WebSocket, whose token may be in the query; raise Unauthenticated."""
        return self._actor_of(read_credentials(scope["headers"], scope.get("query_string", b"")))

    def of_headers(self, headers: RawHeaders) -> Actor:
        """Return the actor of a request's header fields; raise Unauthenticated."""
        return self._actor_of(read_credentials(headers))


def _resource(request: Request) -> str:
    """Return the resource of a request for the audit trail: method, path, and the subject that its route sets."""
    subject = getattr(request.state, "subject", "")
    return f"{request.method} {request.url.path}{f' {subject}' if subject else ''}"
