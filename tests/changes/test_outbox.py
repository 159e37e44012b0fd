"""The outbox gives what it holds without a gap, and nothing where it would have to guess."""

from __future__ import annotations

from rhinecloud.changes.outbox import Outbox
from rhinecloud.store.port import Commit, LoggedChange


def commit(first: int, last: int) -> Commit:
    return Commit(last, [LoggedChange(seq, b"%04d" % seq) for seq in range(first, last + 1)])


def taken(outbox: Outbox, after: int, limit: int = 100, most_bytes: int = 1_000) -> list[int]:
    return [int(each) for each in outbox.take(after, limit, most_bytes)]


def test_commits_that_follow_each_other_are_given_in_order() -> None:
    outbox = Outbox()
    outbox.add(commit(1, 3))
    outbox.add(commit(4, 5))
    assert taken(outbox, 0) == [1, 2, 3, 4, 5]
    assert taken(outbox, 0, limit=2) == [1, 2]
    assert taken(outbox, 2, most_bytes=5) == [3, 4]
    assert taken(outbox, 5) == []


def test_changes_that_were_not_added_are_left_to_the_log() -> None:
    outbox = Outbox()
    outbox.add(commit(7, 8))
    assert taken(outbox, 3) == []
    assert taken(outbox, 6) == [7, 8]
    outbox.add(commit(11, 12))
    assert taken(outbox, 8) == []
    assert taken(outbox, 10) == [11, 12]
    outbox.add(Commit(20))
    assert taken(outbox, 12) == []
    outbox.add(commit(21, 21))
    assert taken(outbox, 20) == [21]


def test_too_many_bytes_are_left_to_the_log() -> None:
    outbox = Outbox(most_bytes=10)
    outbox.add(commit(1, 5))
    assert taken(outbox, 0) == []
    assert taken(outbox, 3) == [4, 5]
