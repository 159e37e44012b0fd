"""What the tests of clause 5.8 share: the subscription that they vary."""

from __future__ import annotations

from typing import Any

ID = "urn:ngsi-ld:Subscription:1"


def subscription(url: str = "http://127.0.0.1:1/x", **members: Any) -> dict[str, Any]:
    notification = {"endpoint": {"uri": url}, **members.pop("notification", {})}
    given = {"id": ID, "type": "Subscription", "entities": [{"type": "Ship"}], "notification": notification}
    return {**given, **members}
