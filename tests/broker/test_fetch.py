"""What is remembered of @contexts that cannot be had: words, and nobody who asked for them."""

from __future__ import annotations

import asyncio
import gc
import weakref
from contextlib import suppress

from rhinecloud.broker.contexts.fetch import Fetcher
from rhinecloud.broker.errors import ContextNotAvailable
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.kernel.time import utc_now


class Request:
    """Stands for what somebody sent."""


async def test_a_failed_url_keeps_no_reference_to_its_requests() -> None:
    fetcher = Fetcher(BrokerSettings(context_retry_s=60), utc_now)
    fetcher.open()

    async def ask() -> weakref.ref[Request]:
        request = Request()
        with suppress(ContextNotAvailable):
            await fetcher.fetch_unless_failed("urn:x:nowhere")
            raise AssertionError("there is nothing")
        return weakref.ref(request)

    try:
        requests = [await ask() for _ in range(3)]
        await asyncio.sleep(0)  # the loop itself holds the last one it has woken
        gc.collect()
        assert [request() for request in requests] == [None, None, None]
    finally:
        await fetcher.close()
