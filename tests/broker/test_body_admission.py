"""How much of what clients send is taken up at a time, and that nobody keeps the others out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.assembly import open_broker
from rhinecloud.broker.errors import TooSlow
from rhinecloud.broker.http.body_admission import BODIES_BYTES, WORK_BYTES, Admission, ByteSemaphore
from rhinecloud.broker.http.request import Request
from rhinecloud.ngsild.documents import CORE_URL


async def turns(number: int = 5) -> None:
    """Let others have their turn."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_bytes_are_acquired_in_the_order_of_the_calls() -> None:
    budget, entered = ByteSemaphore(10), []

    async def enter(name: str, wanted: int) -> None:
        await budget.acquire(wanted)
        entered.append(name)

    waiting = [asyncio.create_task(enter(name, wanted)) for name, wanted in (("a", 6), ("b", 6), ("c", 1))]
    await turns()
    assert entered == ["a"], "the small one does not overtake the larger one for ever"
    budget.release(6)
    await asyncio.gather(*waiting)
    assert entered == ["a", "b", "c"]


async def test_a_caller_that_wants_more_than_the_budget_gets_all_of_it() -> None:
    budget = ByteSemaphore(10)
    assert await budget.acquire(25) == 10
    assert budget.is_full(1)
    budget.release(10)
    assert not budget.is_full(10)


async def test_a_caller_that_gives_up_blocks_no_other() -> None:
    budget = ByteSemaphore(10)
    await budget.acquire(10)
    impatient, next_one = (asyncio.create_task(budget.acquire(wanted)) for wanted in (10, 4))
    await turns()
    impatient.cancel()
    await turns()
    budget.release(10)
    assert await next_one == 4
    assert not budget.is_full(6)


async def test_a_caller_cancelled_while_it_is_admitted_releases_its_bytes() -> None:
    budget = ByteSemaphore(10)
    await budget.acquire(10)
    unlucky = asyncio.create_task(budget.acquire(10))
    await turns()
    budget.release(10)
    unlucky.cancel()
    await turns()
    assert not budget.is_full(10)


@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.integers(0, 4), st.sampled_from(["stays", "goes", "is cancelled"])),
        max_size=30,
    )
)
async def test_room_is_never_given_twice_and_never_lost(visits: list[tuple[int, int, str]]) -> None:
    budget, inside, most = ByteSemaphore(20), 0, 0

    async def visit(wanted: int, stay: int) -> None:
        nonlocal inside, most
        taken = await budget.acquire(wanted)
        inside += taken
        most = max(most, inside)
        try:
            await turns(stay)
        finally:
            inside -= taken
            budget.release(taken)

    tasks = []
    for wanted, stay, fate in visits:
        task = asyncio.create_task(visit(wanted, stay))
        tasks.append(task)
        if fate != "stays":
            await turns(1)
        if fate == "is cancelled":
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert inside == 0
    assert most <= 20
    assert not budget.is_full(20)


class Sender:
    """A client that sends its body when it is told to."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.sends = asyncio.Event()
        self.request = Request("POST", {}, b"", self._receive, {})

    async def _receive(self) -> dict[str, Any]:
        await self.sends.wait()
        return {"type": "http.request", "body": b"x" * self.size, "more_body": False}

    def read(self, intake: Admission) -> asyncio.Task[bytes]:
        return asyncio.create_task(intake.read(self.request, self.size))

    def end(self) -> None:
        assert self.request.admitted is not None
        self.request.admitted.release()


async def test_a_slow_body_does_not_keep_others_from_being_worked_on() -> None:
    intake = Admission(bodies=30, work=10)
    slow, quick = Sender(10), Sender(10)
    slow_one = slow.read(intake)
    quick.sends.set()
    assert await quick.read(intake) == b"x" * 10
    quick.end()
    slow.sends.set()
    assert len(await slow_one) == 10
    slow.end()


async def test_only_so_much_is_worked_on_at_a_time() -> None:
    intake = Admission(bodies=100, work=20)
    senders = [Sender(10) for _ in range(4)]
    for sender in senders:
        sender.sends.set()
    reading = [sender.read(intake) for sender in senders]
    await turns(20)
    assert [task.done() for task in reading] == [True, True, False, False]
    senders[0].end()
    await turns()
    assert [task.done() for task in reading] == [True, True, True, False]
    for sender in senders[1:]:
        sender.end()
    await asyncio.gather(*reading)
    senders[3].end()
    assert not intake.work.is_full(20)
    assert not intake.bodies.is_full(100)


async def test_a_paused_request_lets_others_be_processed() -> None:
    intake = Admission(bodies=100, work=10)
    first, second = Sender(10), Sender(10)
    first.sends.set()
    second.sends.set()
    await first.read(intake)
    reading = second.read(intake)
    await turns()
    assert not reading.done()
    assert first.request.admitted is not None
    first.request.admitted.pause()
    await reading
    going_on = asyncio.create_task(first.request.admitted.resume())
    await turns()
    assert not going_on.done()
    second.end()
    await going_on
    first.end()


async def test_a_body_that_is_not_received_is_refused_when_others_wait_for_its_memory() -> None:
    intake = Admission(bodies=10, work=10, deadline_s=0.05)
    silent, other = Sender(10), Sender(10)
    stalled = silent.read(intake)
    await asyncio.sleep(0.1)
    assert not stalled.done(), "nobody waits, so it has all the time in the world"
    other.sends.set()
    reading = other.read(intake)
    with pytest.raises(TooSlow):
        await stalled
    silent.end()
    assert len(await reading) == 10
    other.end()


async def test_a_request_that_is_cancelled_while_it_waits_leaves_nothing_behind() -> None:
    intake = Admission(bodies=100, work=10)
    first, second = Sender(10), Sender(10)
    for each in (first, second):
        each.sends.set()
    await first.read(intake)
    reading = second.read(intake)
    await turns()
    reading.cancel()
    await turns()
    second.end()
    first.end()
    assert not intake.work.is_full(10)
    assert not intake.bodies.is_full(100)


async def test_a_remote_context_that_cannot_be_fetched_leaves_no_memory_reserved(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as api:
        batch = [
            {"id": f"urn:x:{number}", "type": "Thing", "note": "x" * 600, "@context": context}
            for number, context in enumerate(["http://127.0.0.1:9/missing"] + 40 * [CORE_URL])
        ]
        answer = await api.call(
            "POST", "/entityOperations/upsert", batch, headers={"content-type": "application/ld+json"}
        )
        assert answer.status == 207
        assert len(answer.json()["success"]) == 40
        intake = api.parts.admission
        assert not intake.work.is_full(WORK_BYTES)
        assert not intake.bodies.is_full(BODIES_BYTES)
