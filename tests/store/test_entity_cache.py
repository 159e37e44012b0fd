"""What the cache of recent entities promises: the newest state or nothing, within its room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rhinecloud.ngsild.entity import Entity
from rhinecloud.store.entity_cache import (
    DECODED_BYTES,
    DECODED_LARGEST_BYTES,
    LARGEST_BYTES,
    OVERHEAD_BYTES,
    CachedEntity,
    EntityCache,
)
from rhinecloud.store.port import Stored

ROOM = 64 << 10
KEYS = [("", f"urn:x:{number}") for number in range(12)]


def held(key: tuple[str, str], version: int, size: int) -> CachedEntity:
    return CachedEntity(version, Stored(key[1], version, b"x" * size))


def taken_by(recent: EntityCache) -> int:
    """Count what all that is found takes."""
    found = [each for key in KEYS if (each := recent.get(key)) is not None]
    return sum(len(each.stored.body) + OVERHEAD_BYTES for each in found)


Step = tuple[int, int]
steps = st.lists(st.tuples(st.integers(0, len(KEYS) - 1), st.integers(-1, LARGEST_BYTES + 10)), max_size=80)


@given(steps)
def test_it_gives_the_newest_state_or_nothing_and_keeps_within_its_bytes(steps: list[Step]) -> None:
    recent = EntityCache(6, ROOM)
    newest: dict[tuple[str, str], int] = {}
    for version, (number, size) in enumerate(steps):
        key = KEYS[number]
        if size < 0:
            recent.drop(key)
            newest.pop(key, None)
        else:
            recent.put(key, held(key, version, size))
            recent.trim()
            newest[key] = version
        for each in KEYS:
            found = recent.get(each)
            assert found is None or found.stored.version == newest[each]
        assert taken_by(recent) <= ROOM + 2 * (LARGEST_BYTES + OVERHEAD_BYTES)


def test_many_small_entities_are_bounded_by_their_number() -> None:
    recent = EntityCache(6, ROOM)
    for number, key in enumerate(KEYS * 3):
        recent.put(key, held(key, number, 10))
        recent.trim()
    assert sum(recent.get(key) is not None for key in KEYS) <= 2 * 7


def test_what_was_written_last_is_held_however_large_the_others_are() -> None:
    recent = EntityCache(1_000, ROOM)
    for number in range(500):
        key = ("", f"urn:x:{number}")
        recent.put(key, held(key, number, LARGEST_BYTES))
        recent.trim()
        assert recent.get(key) is not None


def test_a_state_that_is_too_large_does_not_leave_the_one_before() -> None:
    recent = EntityCache(6, ROOM)
    recent.put(KEYS[0], held(KEYS[0], 1, 10))
    recent.put(KEYS[0], held(KEYS[0], 2, LARGEST_BYTES + 1))
    assert recent.get(KEYS[0]) is None


def test_decoded_entities_are_bounded_by_their_bytes() -> None:
    recent = EntityCache(100_000, 1 << 30)
    entities = []
    for number in range(3 * DECODED_BYTES // DECODED_LARGEST_BYTES):
        key = ("", f"urn:x:{number}")
        entity = Entity(id=key[1], type=["urn:x:Thing"])
        entities.append((key, entity, held(key, number, DECODED_LARGEST_BYTES)))
        recent.put(key, entities[-1][2], entity)
        recent.trim()
    decoded = sum(key in recent._decoded or key in recent._decoded_old for key, _, _ in entities)
    assert decoded * DECODED_LARGEST_BYTES <= 2 * DECODED_BYTES + DECODED_LARGEST_BYTES
    key, entity, last = entities[-1]
    assert recent.entity(key, last.stored) is entity
