"""Background work that ends for whatever reason but a stop is restarted, and shown as failed until then."""

from __future__ import annotations

import asyncio

import pytest

from rhinecloud.app.supervisor import Supervisor
from rhinecloud.kernel.errors import Invalid


@pytest.mark.parametrize("ended", [asyncio.CancelledError(), SystemExit(3), ValueError("no")])
async def test_work_that_ends_by_itself_is_restarted(ended: BaseException) -> None:
    supervisor, again = Supervisor(), asyncio.Event()
    starts: list[str] = []

    async def work() -> None:
        starts.append(supervisor.works()[0].error)
        if len(starts) == 1:
            raise ended
        again.set()
        await asyncio.Event().wait()

    supervisor.keep("work", work)
    await asyncio.wait_for(again.wait(), 30)
    assert supervisor.works()[0].failures == 1
    await supervisor.stop()
    assert len(starts) == 2


async def test_work_that_has_ended_is_shown_as_failed_until_it_runs_again() -> None:
    supervisor = Supervisor()

    async def work() -> None:
        raise asyncio.CancelledError

    supervisor.keep("work", work)
    while not supervisor.works()[0].failures:
        await asyncio.sleep(0)
    assert supervisor.works()[0].error == "CancelledError"
    await supervisor.stop()


async def test_two_workers_do_not_have_one_name() -> None:
    supervisor = Supervisor()
    supervisor.keep("work", asyncio.Event().wait)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="two workers have the name 'work'"):
        supervisor.keep("work", asyncio.Event().wait)  # type: ignore[arg-type]
    await supervisor.stop()
