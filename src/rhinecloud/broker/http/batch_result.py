"""The result of an operation on many entities, each of which succeeds or fails alone (clause 5.2.16)."""

from __future__ import annotations

from collections.abc import Sequence

from rhinecloud.broker.http.problem import details
from rhinecloud.broker.http.response import Response, nothing, plain
from rhinecloud.broker.service import Outcome
from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.store.port import Written

Result = tuple[str, Outcome]
"""An entity's id, '' if it could not be read, and its outcome."""

MIXED = (207, "BatchResult")
"""The answer in which some entities failed, as the OpenAPI document has it."""


def has_failed(results: Sequence[Result]) -> bool:
    """Return whether one of the entities failed."""
    return any(isinstance(outcome, RhineCloudError) for _, outcome in results)


def batch_result(results: Sequence[Result]) -> Response:
    """Return 204, or 207 where an entity failed."""
    return mixed(results) if has_failed(results) else nothing()


def mixed(results: Sequence[Result]) -> Response:
    """Return 207 with a BatchOperationResult."""
    success = [entity_id for entity_id, outcome in results if isinstance(outcome, Written)]
    errors = [
        {"entityId": entity_id, "error": details(outcome, entity_id)}
        for entity_id, outcome in results
        if isinstance(outcome, RhineCloudError)
    ]
    return plain(207, {"success": list(dict.fromkeys(success)), "errors": errors})
