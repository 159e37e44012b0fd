"""May this actor do this to that: one point of decision, asked at the broker's door, by the live feed and by MQTT."""

from rhinecloud.policy.model import HOUSE_TYPES, Action, Denied
from rhinecloud.policy.service import Policy

__all__ = ["HOUSE_TYPES", "Action", "Denied", "Policy"]
