"""What the store's log may forget: by age, and in a flood by size, never what the stream may still lose."""

from __future__ import annotations

from rhinecloud.changes.published import Published


def test_changes_stay_for_their_time() -> None:
    published = Published(keep_s=600, keep_bytes=1000)
    published.note(0, 10, 100)
    published.note(15, 20, 200)
    assert published.safe(599) == 0
    assert published.safe(600) == 10
    assert published.safe(614) == 10
    assert published.safe(615) == 20


def test_in_a_flood_they_go_once_there_is_more_than_is_to_be_kept_beyond_them() -> None:
    published = Published(keep_s=600, keep_bytes=1000, held_s=30)
    for tick in range(5):
        published.note(15 * tick, 100 * tick, 900 * tick)
    assert published.safe(60) == 200  # change 300 is not half a minute old
    published.note(75, 500, 900 * 5)
    assert published.safe(75) == 300


def test_what_the_stream_may_not_have_flushed_stays_however_much_there_is() -> None:
    published = Published(keep_s=600, keep_bytes=1, held_s=30)
    published.note(0, 1000, 10**9)
    published.note(15, 2000, 2 * 10**9)
    assert published.safe(29) == 0
    assert published.safe(30) == 1000


def test_a_short_time_to_keep_is_kept_to() -> None:
    published = Published(keep_s=0.05, keep_bytes=1000)
    published.note(0, 7, 1)
    assert published.safe(0.1) == 7
