"""What decides whether a stored entity is seen: its types, and when it expires."""

import pytest

from policies import shipped
from rhinecloud.broker.entities.visibility import ReadFilter
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.ngsild.entity import Entity, Instance, encode
from rhinecloud.store.port import Stored

EARLIER, NOW, LATER = "2026-03-01T09:00:00Z", "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"
READER = Actor("reader", "Reader", frozenset([Role.READER]))
GAUGE = "https://example.org/Gauge"


def stored(*types: str, expires_at: str = "", attribute_expires_at: str = "") -> Stored:
    attribute = Instance(value='","type":["https://example.org/Secret"]', expires_at=attribute_expires_at)
    entity = Entity(id="urn:a:1", type=list(types), expires_at=expires_at, attrs={"urn:b": [attribute]})
    return Stored(entity.id, 1, encode(entity))


def sight() -> ReadFilter:
    return ReadFilter(shipped(), lambda: NOW)


@pytest.mark.parametrize(
    "types",
    [
        (GAUGE,),
        (GAUGE, "https://example.org/Sensor"),
        ("https://example.org/a[1]",),
        ('https://example.org/"]a', "https://example.org/b"),
        ('https://example.org/"]b', "https://example.org/b"),
        ("https://example.org/\\",),
    ],
)
def test_the_types_are_those_of_the_entity(types: tuple[str, ...]) -> None:
    eyes, other = sight(), stored('https://example.org/"]c')
    for each in (other, stored(*types), stored(*types)):
        assert eyes.visible(READER, "", [each]) == [each]
    assert other.header.types == ('https://example.org/"]c',)
    assert each.header.types == types
    assert each.header.never_expires


def test_what_has_expired_is_not_seen() -> None:
    past, future = stored(GAUGE, expires_at=EARLIER), stored(GAUGE, expires_at=LATER)
    lasting, partly = stored(GAUGE), stored(GAUGE, attribute_expires_at=LATER)
    eyes = sight()
    assert eyes.visible(READER, "", [past, future, lasting, partly]) == [future, lasting, partly]
    assert not eyes.admits(READER, "", past)
    assert [eyes.never_expires([each]) for each in (future, lasting, partly)] == [False, True, False]
