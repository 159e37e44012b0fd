"""`/subscriptions`: creating, listing, retrieving, updating and deleting (clauses 5.8.1 to 5.8.5, 6.10 and 6.11)."""

from __future__ import annotations

from typing import Any

from rhinecloud.broker.door.body import read_object
from rhinecloud.broker.door.limits import check_subscription
from rhinecloud.broker.door.paging import PAGING, paging_headers, parse_paging
from rhinecloud.broker.door.parameters import listed_options
from rhinecloud.broker.door.reply import Reply, created, document, nothing
from rhinecloud.broker.door.request import Request
from rhinecloud.broker.door.route import CREATED, DONE, Parts, Route
from rhinecloud.broker.subscriptions.members import require_uri
from rhinecloud.broker.subscriptions.model import Subscription
from rhinecloud.broker.subscriptions.rendering import render_broken, render_subscription
from rhinecloud.broker.subscriptions.service import Broken, Subscriptions
from rhinecloud.kernel.errors import Unsupported
from rhinecloud.kernel.page import Page
from rhinecloud.kernel.time import format_time

PATH = "/subscriptions"


async def create(parts: Parts, request: Request) -> Reply:
    """Create Subscription (clause 6.10.3.1)."""
    content = await read_object(parts, request)
    check_subscription(content, request.context, parts.settings)
    made = await _service(parts).create(
        request.actor, request.tenant, content, request.context, request.source
    )
    return created("subscriptions", made.id)


async def list_all(parts: Parts, request: Request) -> Reply:
    """Query Subscriptions (clause 6.10.3.2); `options=count` is how clients of older versions ask for the count."""
    options = listed_options(request, "sysAttrs", "count")
    paging = parse_paging(request, parts.settings)
    found: list[Subscription | Broken] = [
        *_service(parts).list(request.actor, request.tenant),
        *_service(parts).broken(request.actor, request.tenant),
    ]
    if not found:
        await parts.broker.need_tenant(request.tenant)
    end = paging.offset + paging.limit
    total = len(found) if paging.count or "count" in options else None
    page = Page(found[paging.offset : end], paging.offset, len(found) > end, total)
    shown = [_show(parts, request, each, options) for each in page.items]
    return document(request, shown, paging_headers(request, PATH, paging, page))


async def retrieve(parts: Parts, request: Request) -> Reply:
    """Retrieve Subscription (clause 6.11.3.1)."""
    options = listed_options(request, "sysAttrs")
    name, service = _id(request), _service(parts)
    found: Subscription | Broken | None = service.find_broken(request.actor, request.tenant, name)
    if found is None:
        found = await service.get(request.actor, request.tenant, name)
    return document(request, _show(parts, request, found, options))


async def update(parts: Parts, request: Request) -> Reply:
    """Update Subscription (clause 6.11.3.2)."""
    name = _id(request)
    content = await read_object(parts, request)
    check_subscription(content, request.context, parts.settings)
    await _service(parts).update(
        request.actor, request.tenant, name, content, request.context, request.source
    )
    return nothing()


async def delete(parts: Parts, request: Request) -> Reply:
    """Delete Subscription (clause 6.11.3.3)."""
    await _service(parts).delete(request.actor, request.tenant, _id(request))
    return nothing()


def _service(parts: Parts) -> Subscriptions:
    if parts.subscriptions is None:
        raise Unsupported("this broker runs without a notifier")
    return parts.subscriptions


def _id(request: Request) -> str:
    return require_uri(request.variables["subscriptionId"], "subscriptionId")


def _show(
    parts: Parts, request: Request, subscription: Subscription | Broken, options: frozenset[str]
) -> dict[str, Any]:
    if isinstance(subscription, Broken):
        return render_broken(subscription.id, subscription.reason)
    return render_subscription(
        subscription,
        _service(parts).counters(subscription),
        request.context,
        format_time(parts.clock()),
        sys_attrs="sysAttrs" in options,
        trouble=_service(parts).trouble(subscription),
    )


OPTIONS = frozenset({"options"})

ROUTES = (
    Route("POST", PATH, create, "createSubscription", body="Subscription", answers=CREATED),
    Route("GET", PATH, list_all, "querySubscription", PAGING | OPTIONS, answers=((200, "SubscriptionList"),)),
    Route(
        "GET",
        f"{PATH}/{{subscriptionId}}",
        retrieve,
        "retrieveSubscription",
        OPTIONS,
        answers=((200, "SubscriptionShown"),),
    ),
    Route(
        "PATCH",
        f"{PATH}/{{subscriptionId}}",
        update,
        "updateSubscription",
        body="SubscriptionFragment",
        answers=DONE,
    ),
    Route("DELETE", f"{PATH}/{{subscriptionId}}", delete, "deleteSubscription", answers=DONE),
)
