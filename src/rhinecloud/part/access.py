"""Who calls, and whether the policy permits it: dependencies that a part's routes name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any, Protocol

from fastapi import Request

from rhinecloud.kernel.actor import Actor


class Access(Protocol):
    """Dependencies for FastAPI routes, and the same questions for plain ASGI applications."""

    def may(self, action: str, *, reads: bool = False) -> Callable[..., Any]:
        """Return a dependency that lets through whom the policy permits `action`, and returns the actor.

        What is done with `administer` and `operate` is recorded in the audit trail before the answer is sent, and with
        `reads` also what is read. A route adds to the record what neither method nor path say as
        `request.state.subject`.
        """
        ...

    def actions_of(self, actor: Actor) -> list[str]:
        """Return the actions that the policy permits the actor for something or other, by name."""
        ...

    def token_for(self, actor: Actor) -> str:
        """Return a token that stands for `actor` until the city stops: for a process that a part starts."""
        ...

    async def signed_in(self, request: Request) -> Actor:
        """Return the actor who is signed in; raise Unauthenticated."""
        ...

    async def anyone(self, request: Request) -> Actor | None:
        """Return the actor who is signed in, None for everybody else."""
        ...

    def of_headers(self, headers: Mapping[bytes, bytes] | Iterable[tuple[bytes, bytes]]) -> Actor:
        """Return the actor behind a request's header fields; raise Unauthenticated."""
        ...

    def of_websocket(self, scope: MutableMapping[str, Any]) -> Actor:
        """Return the actor behind a WebSocket, whose token may be in the query; raise Unauthenticated."""
        ...
