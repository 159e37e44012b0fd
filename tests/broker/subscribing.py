"""What the tests of subscriptions share: an @context, a caller, a smallest document."""

from __future__ import annotations

from typing import Any

from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.ngsild.context import compile_context
from rhinecloud.subscriptions.parsing.subscription import SubscriptionReading

NOW = "2026-11-22T12:00:00Z"
CONTEXT = compile_context({"Vessel": "https://x.example/Vessel", "speed": "https://x.example/speed"}, {})
READING = SubscriptionReading(CONTEXT, None, NOW, Actor("a", "a", frozenset({Role.ADMIN})))
ENDPOINT = {"uri": "http://127.0.0.1:1/notify"}


def document(**members: Any) -> dict[str, Any]:
    return {
        "type": "Subscription",
        "entities": [{"type": "Vessel"}],
        "notification": {"endpoint": ENDPOINT},
        **members,
    }
