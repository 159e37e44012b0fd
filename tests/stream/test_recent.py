"""What this process published is at hand for its consumers, and nothing else is mistaken for it."""

from rhinecloud.stream.port import Frame
from rhinecloud.stream.recent import RecentFrames

CHANGE = b'[{"seq":1,"kind":"created","at":"2026-01-01T00:00:00Z","entity":{"id":"urn:a","type":["urn:T"]}}]'


def test_two_consumers_get_the_same_changes_decoded_once() -> None:
    recent = RecentFrames()
    recent.keep(7, Frame(1, 1, CHANGE))
    first, second = (recent.find(7, 1, 1) for _ in range(2))
    assert first is not None
    assert first is second
    assert first.changes()[0].entity.id == "urn:a"


def test_a_frame_of_other_changes_is_not_mistaken_for_it() -> None:
    recent = RecentFrames()
    recent.keep(7, Frame(1, 3, b"[1]"))
    assert recent.find(7, 1, 2) is None
    assert recent.find(8, 1, 3) is None
    kept = Frame(1, 2, b"[2]")
    recent.keep(7, kept)
    assert recent.find(7, 1, 2) is kept
    recent.clear()
    assert recent.find(7, 1, 2) is None


def test_old_frames_are_let_go() -> None:
    recent = RecentFrames(most_bytes=250)
    for number in (1, 2):
        recent.keep(number, Frame(number, number, b"[" + b" " * 200 + b"]"))
    assert recent.find(1, 1, 1) is None
    assert recent.find(2, 2, 2) is not None


def test_a_frame_of_encoded_changes_is_as_large_as_the_body_that_it_gives() -> None:
    for bodies in ([b"1"], [b"1", b"22"], [b"1", b"22", b"333"]):
        frame = Frame.join(1, len(bodies), bodies)
        assert frame.body == b"[" + b",".join(bodies) + b"]"
        assert frame.size == len(frame.body)
