"""`/entityOperations`: creating, upserting, updating, merging and deleting many entities at once.

Each entity succeeds or fails alone; those with one id are processed in their order. Source: clauses 5.5.11,
5.6.7 to 5.6.10, 5.6.20, 6.14 to 6.17 and 6.31.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rhinecloud.broker.entities.fragments import merge_or_add, removal
from rhinecloud.broker.errors import InvalidRequest
from rhinecloud.broker.http.batch_result import MIXED, Result, batch_result, has_failed, mixed
from rhinecloud.broker.http.body import read_objects
from rhinecloud.broker.http.parameters import listed_options
from rhinecloud.broker.http.request import Request
from rhinecloud.broker.http.response import Response, nothing, plain
from rhinecloud.broker.http.route import HandlerContext, Route
from rhinecloud.broker.service import Outcome, Plan
from rhinecloud.kernel.errors import Conflict, Invalid, RhineCloudError
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.parsing import parse_entity, parse_fragment
from rhinecloud.ngsild.values import check_uri
from rhinecloud.store.port import Written

Parse = Callable[..., Entity]
"""Parses an item with its @context; `now` becomes its system times, which saves a copy later."""

_PENDING: Result = ("", Invalid(""))


async def create(parts: HandlerContext, request: Request) -> Response:
    """Batch Entity Creation (clause 6.14.3.1)."""
    results = await _carry_out(
        parts, request, parse_entity, lambda entity: lambda writer: writer.create(entity)
    )
    if has_failed(results):
        return mixed(results)
    return plain(201, [entity_id for entity_id, _ in results])


async def upsert(parts: HandlerContext, request: Request) -> Response:
    """Batch Entity Creation or Update (clause 6.15.3.1)."""
    options = listed_options(request.parameters(), "replace", "update")
    if len(options) > 1:
        raise InvalidRequest("must not be both replace and update", field="options")
    replace = "update" not in options
    results = await _carry_out(
        parts,
        request,
        parse_entity if replace else parse_fragment,
        lambda entity: merge_or_add(entity, replace=replace),
    )
    if has_failed(results):
        return mixed(results)
    created = [
        entity_id for entity_id, outcome in results if isinstance(outcome, Written) and outcome.created
    ]
    return plain(201, created) if created else nothing()


async def update(parts: HandlerContext, request: Request) -> Response:
    """Batch Entity Update (clause 6.16.3.1); the options of upserts are accepted, and have no effect."""
    overwrite = "noOverwrite" not in listed_options(request.parameters(), "noOverwrite", "replace", "update")
    skipped_by_id: dict[str, dict[str, str]] = {}

    def plan(fragment: Entity) -> Plan:
        def change(entity: Entity, now: str) -> patch.Patched:
            if overwrite:
                return patch.update(entity, fragment, now)
            appended = patch.append(entity, fragment, now, overwrite=False)
            skipped_by_id.update({fragment.id: appended.skipped} if appended.skipped else {})
            return appended

        return lambda writer: writer.change(fragment.id, change)

    results = await _carry_out(parts, request, parse_fragment, plan)
    return batch_result(
        [(name, _with_skipped(outcome, skipped_by_id.get(name))) for name, outcome in results]
    )


async def merge(parts: HandlerContext, request: Request) -> Response:
    """Batch Entity Merge (clause 6.31.3.1)."""

    def plan(fragment: Entity) -> Plan:
        def change(entity: Entity, now: str) -> patch.Patched:
            return patch.merge(entity, fragment, now)

        return lambda writer: writer.change(fragment.id, change)

    return batch_result(await _carry_out(parts, request, partial(parse_fragment, partial=True), plan))


async def delete(parts: HandlerContext, request: Request) -> Response:
    """Batch Entity Delete (clause 6.17.3.1)."""
    items = [item for item, _ in await read_objects(parts, request)]
    malformed = {number: error for number, item in enumerate(items) if (error := _fault_of_id(item))}
    plans = [(item, removal(item)) for number, item in enumerate(items) if number not in malformed]
    outcomes = iter(await parts.broker.write_all(request.actor, request.tenant, plans))
    return batch_result(
        [
            (item, next(outcomes)) if number not in malformed else (_text_of(item), malformed[number])
            for number, item in enumerate(items)
        ]
    )


def _fault_of_id(item: Any) -> Invalid | None:
    try:
        check_uri(item)
    except Invalid as error:
        return error
    return None


def _text_of(item: Any) -> str:
    return item if isinstance(item, str) else ""


async def _carry_out(
    parts: HandlerContext, request: Request, parse: Parse, plan: Callable[[Entity], Plan]
) -> list[Result]:
    """Parse and write each item; an item that is malformed fails alone."""
    now = parts.broker.moment()
    results: list[Result] = []
    plans: list[tuple[str, Plan]] = []
    positions: list[int] = []
    for item, context in await read_objects(parts, request):
        try:
            if isinstance(context, RhineCloudError):
                raise context
            entity = parse(item, context, now=now)
            if not entity.id:
                raise Invalid("must be given for an entity of a batch", field="id")
        except RhineCloudError as error:
            results.append((_id_of(item), error))
            continue
        positions.append(len(results))
        plans.append((entity.id, plan(entity)))
        results.append(_PENDING)
    outcomes = await parts.broker.write_all(request.actor, request.tenant, plans, now=now)
    for position, (entity_id, _), outcome in zip(positions, plans, outcomes, strict=True):
        results[position] = (entity_id, outcome)
    return results


def _with_skipped(outcome: Outcome, skipped: dict[str, str] | None) -> Outcome:
    """Return a Conflict for an entity of which some attributes were skipped (clause 5.6.9.4)."""
    if skipped and isinstance(outcome, Written):
        return Conflict("; ".join(f"{name} {reason}" for name, reason in skipped.items()))
    return outcome


def _id_of(item: Any) -> str:
    name = item.get("id", item.get("@id")) if isinstance(item, dict) else None
    return name if isinstance(name, str) else ""


_PATH = "/entityOperations"
_LOCAL = frozenset({"local"})
NO_CONTENT = (204, "")

ROUTES = (
    Route(
        "POST",
        f"{_PATH}/create",
        create,
        "createBatch",
        _LOCAL,
        (),
        body="EntityBatch",
        answers=((201, "IdList"), MIXED),
    ),
    Route(
        "POST",
        f"{_PATH}/upsert",
        upsert,
        "upsertBatch",
        _LOCAL | {"options"},
        (),
        body="EntityBatch",
        answers=((201, "IdList"), NO_CONTENT, MIXED),
    ),
    Route(
        "POST",
        f"{_PATH}/update",
        update,
        "updateBatch",
        _LOCAL | {"options"},
        (),
        body="FragmentBatch",
        answers=(NO_CONTENT, MIXED),
    ),
    Route(
        "POST",
        f"{_PATH}/merge",
        merge,
        "mergeBatch",
        _LOCAL | {"options"},
        (),
        body="FragmentBatch",
        answers=(NO_CONTENT, MIXED),
    ),
    Route(
        "POST",
        f"{_PATH}/delete",
        delete,
        "deleteBatch",
        _LOCAL,
        (),
        body="IdBatch",
        answers=(NO_CONTENT, MIXED),
    ),
)
