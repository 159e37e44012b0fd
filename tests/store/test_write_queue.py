"""Which jobs a writer puts into one group, and when it waits for more."""

from __future__ import annotations

from dataclasses import dataclass, field

from rhinecloud.store.write_queue import ENOUGH_EDITS, GROUP_EDITS, WriteQueue


@dataclass
class Job:
    edits: list[int] = field(default_factory=list)
    alone: bool = False


def job(edits: int = 1, *, alone: bool = False) -> Job:
    return Job([0] * edits, alone)


def test_a_single_caller_never_waits() -> None:
    queue: WriteQueue[Job] = WriteQueue()
    queue.add(job())
    assert queue.is_enough


def test_a_group_starts_with_half_of_the_callers_that_wrote_at_once() -> None:
    queue: WriteQueue[Job] = WriteQueue()
    for _ in range(8):
        queue.add(job())
    assert len(queue.take()) == 8
    for _ in range(3):
        queue.add(job())
        assert not queue.is_enough
    queue.add(job())
    assert queue.is_enough


def test_after_a_wait_in_vain_fewer_callers_are_expected() -> None:
    queue: WriteQueue[Job] = WriteQueue()
    for _ in range(8):
        queue.add(job())
    queue.take()
    queue.add(job())
    while not queue.is_enough:
        queue.expect_fewer()
    assert len(queue.take()) == 1


def test_many_edits_of_few_callers_are_enough() -> None:
    queue: WriteQueue[Job] = WriteQueue()
    queue.add(job(), running=20)
    assert not queue.is_enough
    queue.add(job(ENOUGH_EDITS))
    assert queue.is_enough


def test_a_group_has_at_most_so_many_edits_unless_one_job_has_more() -> None:
    queue: WriteQueue[Job] = WriteQueue()
    for edits in (GROUP_EDITS - 1, 1, 1, 2 * GROUP_EDITS, 1):
        queue.add(job(edits))
    groups = []
    while queue:
        groups.append([len(each.edits) for each in queue.take()])
    assert groups == [[GROUP_EDITS - 1, 1], [1], [2 * GROUP_EDITS], [1]]


def test_a_job_that_is_alone_has_a_group_of_its_own() -> None:
    queue: WriteQueue[Job] = WriteQueue(lambda each: each.alone)
    for alone in (False, True, False, False):
        queue.add(job(alone=alone))
    groups = []
    while queue:
        groups.append([each.alone for each in queue.take()])
    assert groups == [[False], [True], [False, False]]
