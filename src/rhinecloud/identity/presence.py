"""The present rights of an actor: what an actor created earlier, such as a subscription, has its present rights."""

from __future__ import annotations

from rhinecloud.identity.model import ACCOUNT_URN, TOKEN_URN
from rhinecloud.identity.service import OPEN_ACTOR, Identity
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.time import Clock

CLI_ACTOR = Actor(id=f"{ACCOUNT_URN}cli", name="cli", roles=frozenset({Role.ADMIN}))
"""The actor of the city's own command line: a user who can read its folder."""


class Presence:
    """Looks actors up, fast enough for every change."""

    def __init__(self, identity: Identity, clock: Clock) -> None:
        self._identity = identity
        self._clock = clock

    def of(self, actor: Actor) -> Actor | None:
        """Return an actor with its present roles; None where the account or token was removed or has expired.

        A part is returned unchanged.
        """
        if actor.id.startswith(TOKEN_URN):
            return self._identity.tokens.present(actor.id.removeprefix(TOKEN_URN), self._clock())
        if not actor.id.startswith(ACCOUNT_URN):
            return actor
        found = self._identity.accounts.actor(actor.id.removeprefix(ACCOUNT_URN))
        if found is not None:
            return found
        if actor == OPEN_ACTOR:
            return OPEN_ACTOR if self._identity.settings.open else None
        return CLI_ACTOR if actor == CLI_ACTOR else None
