"""Consumers of one process share what was decoded, and only what is the same."""

from rhinecloud.stream.port import Frame
from rhinecloud.stream.recent import RecentFrames

CHANGE = b'[{"seq":1,"kind":"created","at":"2026-01-01T00:00:00Z","entity":{"id":"urn:a","type":["urn:T"]}}]'


def test_two_consumers_get_the_same_changes_decoded_once() -> None:
    recent = RecentFrames()
    first, second = (recent.share(Frame(1, 1, bytes(CHANGE))) for _ in range(2))
    assert first.changes() is second.changes()
    assert first.changes()[0].entity.id == "urn:a"


def test_a_frame_with_other_bytes_is_not_mistaken_for_it() -> None:
    recent = RecentFrames()
    recent.share(Frame(1, 1, CHANGE))
    other = recent.share(Frame(1, 1, CHANGE.replace(b"urn:a", b"urn:b")))
    assert other.changes()[0].entity.id == "urn:b"


def test_old_frames_are_let_go() -> None:
    recent = RecentFrames(most_bytes=250)
    old = recent.share(Frame(1, 1, b"[" + b" " * 200 + b"]"))
    recent.share(Frame(2, 2, b"[" + b" " * 200 + b"]"))
    assert recent.share(Frame(1, 1, old.body)) is not old
