"""`/subscriptions`: creating, listing, retrieving, updating and deleting (clauses 5.8.1 to 5.8.5, 6.10 and 6.11)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial, update_wrapper
from typing import Any

from rhinecloud.broker.http.body import read_object
from rhinecloud.broker.http.limits import check_subscription
from rhinecloud.broker.http.paging import PAGING, paging_headers, parse_paging
from rhinecloud.broker.http.parameters import listed_options
from rhinecloud.broker.http.request import Request
from rhinecloud.broker.http.response import Response, created, document, nothing
from rhinecloud.broker.http.route import CREATED, DONE, Handle, HandlerContext, Route
from rhinecloud.kernel.errors import Unsupported
from rhinecloud.kernel.page import Page
from rhinecloud.kernel.time import format_time
from rhinecloud.subscriptions.model import Subscription
from rhinecloud.subscriptions.parsing.members import require_uri
from rhinecloud.subscriptions.representation.subscription import render_broken, render_subscription
from rhinecloud.subscriptions.service import BrokenSubscription, Subscriptions

PATH = "/subscriptions"

Handler = Callable[[Subscriptions, HandlerContext, Request], Awaitable[Response]]
"""A handler that works with the service of subscriptions."""


async def create(service: Subscriptions, parts: HandlerContext, request: Request) -> Response:
    """Create Subscription (clause 6.10.3.1)."""
    content = await read_object(parts, request)
    check_subscription(content, request.context, parts.settings)
    made = await service.create(request.actor, request.tenant, content, request.context, request.source)
    return created("subscriptions", made.id)


async def list_all(service: Subscriptions, parts: HandlerContext, request: Request) -> Response:
    """Query Subscriptions (clause 6.10.3.2); `options=count` is how clients of older versions ask for the count."""
    options = listed_options(request.parameters(), "sysAttrs", "count")
    paging = parse_paging(request.parameters(), parts.settings)
    found: list[Subscription | BrokenSubscription] = [
        *service.list(request.actor, request.tenant),
        *service.broken(request.actor, request.tenant),
    ]
    if not found:
        await parts.broker.need_tenant(request.tenant)
    end = paging.offset + paging.limit
    total = len(found) if paging.count or "count" in options else None
    page = Page(found[paging.offset : end], paging.offset, len(found) > end, total)
    shown = [_show(service, parts, request, each, options) for each in page.items]
    return document(request, shown, paging_headers(request, PATH, paging, page))


async def retrieve(service: Subscriptions, parts: HandlerContext, request: Request) -> Response:
    """Retrieve Subscription (clause 6.11.3.1)."""
    options = listed_options(request.parameters(), "sysAttrs")
    name = _id(request)
    found: Subscription | BrokenSubscription | None = service.find_broken(request.actor, request.tenant, name)
    if found is None:
        found = await service.get(request.actor, request.tenant, name)
    return document(request, _show(service, parts, request, found, options))


async def update(service: Subscriptions, parts: HandlerContext, request: Request) -> Response:
    """Update Subscription (clause 6.11.3.2)."""
    name = _id(request)
    content = await read_object(parts, request)
    check_subscription(content, request.context, parts.settings)
    await service.update(request.actor, request.tenant, name, content, request.context, request.source)
    return nothing()


async def delete(service: Subscriptions, parts: HandlerContext, request: Request) -> Response:
    """Delete Subscription (clause 6.11.3.3)."""
    await service.delete(request.actor, request.tenant, _id(request))
    return nothing()


def _id(request: Request) -> str:
    return require_uri(request.variables["subscriptionId"], "subscriptionId")


def _show(
    service: Subscriptions,
    parts: HandlerContext,
    request: Request,
    subscription: Subscription | BrokenSubscription,
    options: frozenset[str],
) -> dict[str, Any]:
    if isinstance(subscription, BrokenSubscription):
        return render_broken(subscription.id, subscription.reason)
    return render_subscription(
        subscription,
        service.counters(subscription),
        request.context,
        format_time(parts.clock()),
        sys_attrs="sysAttrs" in options,
        reason=service.status_reason(subscription),
    )


OPTIONS = frozenset({"options"})


def subscription_routes(service: Subscriptions | None) -> tuple[Route, ...]:
    """Return the routes of `/subscriptions`; without a service each call raises Unsupported."""

    def bound(handle: Handler) -> Handle:
        bound_handle: Handle = _unsupported if service is None else partial(handle, service)
        return update_wrapper(partial(bound_handle), handle)

    one = f"{PATH}/{{subscriptionId}}"
    return (
        Route("POST", PATH, bound(create), "createSubscription", body="Subscription", answers=CREATED),
        Route(
            "GET",
            PATH,
            bound(list_all),
            "querySubscription",
            PAGING | OPTIONS,
            answers=((200, "SubscriptionList"),),
        ),
        Route(
            "GET",
            one,
            bound(retrieve),
            "retrieveSubscription",
            OPTIONS,
            answers=((200, "SubscriptionShown"),),
        ),
        Route("PATCH", one, bound(update), "updateSubscription", body="SubscriptionFragment", answers=DONE),
        Route("DELETE", one, bound(delete), "deleteSubscription", answers=DONE),
    )


async def _unsupported(parts: HandlerContext, request: Request) -> Response:
    """Raise Unsupported: this process sends no notifications."""
    raise Unsupported("this broker runs without notifications")
