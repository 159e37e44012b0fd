"""Health, rate, pauses and the queue: by a clock that is turned by hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from rhinecloud.connectors.backoff import Backoff
from rhinecloud.connectors.health import FeedHealth, Rate
from rhinecloud.connectors.inlet import BoundedInlet
from rhinecloud.connectors.model import FeedCounters, FeedState
from rhinecloud.pack.codec import Parcel

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Hand:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def health(hand: Hand, silent_after_s: float = 60) -> FeedHealth:
    return FeedHealth(silent_after_s, lambda: NOW, hand)


def test_a_feed_is_connecting_until_the_first_message_then_live_then_silent() -> None:
    hand = Hand()
    feed = health(hand)
    assert feed.state()[0] is FeedState.CONNECTING
    feed.connected()
    assert feed.state()[0] is FeedState.CONNECTING
    feed.message()
    assert feed.state()[0] is FeedState.LIVE
    assert feed.last_at == "2026-03-01T12:00:00Z"
    hand.seconds += 61
    assert feed.state() == (FeedState.SILENT, "nothing was received for more than 60 s")


def test_a_feed_that_waits_says_for_what_until_it_works() -> None:
    feed = health(Hand())
    feed.waits("the simulator starts")
    assert feed.state() == (FeedState.WAITING, "the simulator starts")
    feed.works()
    assert feed.state() == (FeedState.CONNECTING, "")


def test_a_recording_that_was_played_has_ended_and_a_feed_that_was_stopped_has_not() -> None:
    feed = health(Hand())
    feed.message()
    feed.ends()
    feed.stops()
    assert feed.state() == (FeedState.ENDED, "")
    other = health(Hand())
    other.stops()
    assert other.state() == (FeedState.STOPPED, "")


def test_a_recording_of_which_nothing_could_be_used_says_so() -> None:
    feed = health(Hand())
    feed.unusable("no checksum")
    feed.ends()
    assert feed.state() == (FeedState.ENDED, "nothing that is received can be processed: no checksum")
    other = health(Hand())
    other.ignored("no vessel")
    other.ends()
    assert other.state() == (FeedState.ENDED, "everything that is received is ignored: no vessel")


def test_a_link_that_stands_and_never_brings_anything_is_silent() -> None:
    hand = Hand()
    feed = health(hand)
    feed.connected()
    hand.seconds += 61
    assert feed.state()[0] is FeedState.SILENT


def test_a_source_that_says_that_nothing_is_new_is_live() -> None:
    feed = health(Hand())
    feed.contact()
    assert feed.state()[0] is FeedState.LIVE
    assert feed.last_at == ""


def test_a_broken_link_is_failing_with_its_reason_until_it_stands_again() -> None:
    feed = health(Hand())
    feed.message()
    feed.link_broke("no connection")
    assert feed.state() == (FeedState.FAILING, "no connection")
    feed.connected()
    assert feed.state() == (FeedState.LIVE, "")
    assert feed.last_error == "no connection"


def test_nothing_but_garbage_is_failing_and_some_garbage_is_not() -> None:
    hand = Hand()
    feed = health(hand)
    feed.unusable("no AIS sentence")
    assert feed.state() == (FeedState.FAILING, "nothing that is received can be processed: no AIS sentence")
    feed.message()
    feed.used()
    feed.unusable("no AIS sentence")
    assert feed.state()[0] is FeedState.LIVE
    hand.seconds += 61
    feed.unusable("no AIS sentence")
    assert feed.state()[0] is FeedState.FAILING
    hand.seconds += 61
    assert feed.state()[0] is FeedState.SILENT


def test_a_feed_of_which_everything_is_ignored_is_degraded_until_something_is_used() -> None:
    hand = Hand()
    feed = health(hand)
    feed.message()
    feed.ignored("its sender is no vessel")
    assert feed.state() == (
        FeedState.DEGRADED,
        "everything that is received is ignored: its sender is no vessel",
    )
    feed.used()
    feed.ignored("its sender is no vessel")
    assert feed.state() == (FeedState.LIVE, "")
    hand.seconds += 61
    feed.message()
    feed.ignored("its sender is no vessel")
    assert feed.state()[0] is FeedState.DEGRADED


def test_messages_that_are_rejected_and_ignored_make_a_feed_failing() -> None:
    feed = health(Hand())
    feed.message()
    feed.unusable("mapping: at: must be a time")
    feed.ignored("no vessel")
    assert feed.state()[0] is FeedState.FAILING


def test_a_polled_source_without_news_is_silent_and_live_again_with_some() -> None:
    hand = Hand()
    feed = FeedHealth(60, lambda: NOW, hand, polled=True, frozen_after_s=100)
    feed.used()
    feed.contact()
    hand.seconds += 101
    feed.contact()
    assert feed.state() == (
        FeedState.SILENT,
        "the source answers, and has had nothing new for more than 100 s",
    )
    feed.news("2026-03-01T11:59:00Z")
    assert feed.state() == (FeedState.LIVE, "")


def test_a_polled_source_of_old_readings_is_silent() -> None:
    feed = FeedHealth(60, lambda: NOW, Hand(), polled=True, frozen_after_s=100)
    feed.contact()
    feed.used()
    feed.news("2026-03-01T11:00:00Z")
    assert feed.state() == (
        FeedState.SILENT,
        "the source answers, and its newest reading is of 2026-03-01T11:00:00Z",
    )
    feed.news("2026-03-01T11:59:59Z")
    assert feed.state() == (FeedState.LIVE, "")


def test_one_answer_of_a_polled_source_without_use_is_enough_to_say_so() -> None:
    hand = Hand()
    feed = FeedHealth(60, lambda: NOW, hand, polled=True)
    feed.used()
    hand.seconds += 1
    feed.unusable("broken JSON")
    feed.contact()
    assert feed.state()[0] is FeedState.FAILING
    feed.used()
    assert feed.state()[0] is FeedState.LIVE


def test_a_broker_that_takes_nothing_is_failing() -> None:
    feed = health(Hand())
    feed.message()
    feed.broker_refused("the disk is full")
    assert feed.state() == (FeedState.FAILING, "the disk is full")
    feed.broker_refused("")
    assert feed.state() == (FeedState.LIVE, "")


def test_the_rate_is_that_of_the_last_minute() -> None:
    hand = Hand()
    rate = Rate(hand)
    rate.add(10)
    assert rate.per_second() == 10
    hand.seconds += 30
    rate.add(20)
    assert rate.per_second() == 1
    hand.seconds += 45
    assert rate.per_second() == pytest.approx(20 / 60)
    hand.seconds += 60
    assert rate.per_second() == 0


def test_pauses_double_up_to_the_longest_and_vary() -> None:
    longest = Backoff(1, 60, lambda: 0.999999)
    assert [round(longest.next()) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert longest.next(at_least_s=120) == 120
    longest.reset()
    assert round(longest.next()) == 1
    assert Backoff(1, 60, lambda: 0.0).next() == 0.5


def parcel(size: int = 10) -> Parcel:
    return Parcel(b"x" * size, NOW)


def inlet(parcels: int = 3, size: int = 1000) -> tuple[BoundedInlet, FeedCounters]:
    counters = FeedCounters()
    return BoundedInlet(parcels, size, counters, lambda: None), counters


async def test_a_full_queue_lets_a_link_wait_until_there_is_room() -> None:
    queue, counters = inlet(parcels=2)
    await queue.put(parcel())
    await queue.put(parcel())
    waiting = asyncio.create_task(queue.put(parcel()))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    assert len(await queue.take(1)) == 1
    await waiting
    assert (len(queue), counters.received_bytes) == (2, 30)


async def test_a_queue_is_full_by_bytes_too_and_takes_one_that_is_larger() -> None:
    queue, _ = inlet(size=100)
    await queue.put(parcel(5000))
    assert queue.full
    await queue.take(1)
    assert not queue.full


async def test_what_is_offered_to_a_full_queue_is_counted_as_dropped() -> None:
    queue, counters = inlet(parcels=1)
    assert queue.offer(parcel())
    assert not queue.offer(parcel())
    assert counters.dropped == 1


async def test_a_queue_is_drained_when_what_was_taken_is_done() -> None:
    queue, _ = inlet()
    await queue.drained()
    queue.push(parcel())
    taken = await queue.take(5)
    drained = asyncio.create_task(queue.drained())
    await asyncio.sleep(0)
    assert not drained.done()
    queue.finish(len(taken))
    await drained
