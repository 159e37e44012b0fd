"""The Cedar schema of a city: which actions there are and what a policy can look at, so that a typo is an error."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import cedarpy

from rhinecloud.policy.analysis import Mentions

ACTOR, RESOURCE = "Actor", "Thing"

_STRING: dict[str, Any] = {"type": "String"}
_STRINGS: dict[str, Any] = {"type": "Set", "element": {"type": "String"}}
_LONG: dict[str, Any] = {"type": "Long"}
_DECIMAL: dict[str, Any] = {"type": "Extension", "name": "decimal"}


def make_schema(actions: Iterable[str], mentions: Mentions) -> cedarpy.Schema:
    """Make the schema. `resource.text` and `resource.number` have the attributes that policies mention."""
    applies = {"principalTypes": [ACTOR], "resourceTypes": [RESOURCE], "context": _context()}
    document = {
        "": {
            "entityTypes": {ACTOR: {"shape": _actor()}, RESOURCE: {"shape": _resource(mentions)}},
            "actions": {name: {"appliesTo": applies} for name in actions},
        }
    }
    return cedarpy.Schema.from_json_str(json.dumps(document))


def _actor() -> dict[str, Any]:
    return _record({"id": _STRING, "roles": _STRINGS, "agency": _STRING, "tenant": _STRING})


def _resource(mentions: Mentions) -> dict[str, Any]:
    return _record(
        {
            "type": _STRINGS,
            "types": _STRINGS,
            "protected": {"type": "Boolean"},
            "tenant": _STRING,
            "id": _STRING,
            "owner": _STRING,
            "agency": _STRINGS,
            "area": _STRINGS,
            "location": {**_record({"longitude": _DECIMAL, "latitude": _DECIMAL}), "required": False},
            "text": _record(dict.fromkeys(sorted(mentions.texts), _STRINGS)),
            "number": _record({name: {**_DECIMAL, "required": False} for name in sorted(mentions.numbers)}),
        }
    )


def _context() -> dict[str, Any]:
    return _record({"hour": _LONG, "weekday": _LONG, "purpose": _STRING})


def _record(attributes: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Record", "attributes": attributes}
