"""AIS from several receivers: parts are joined right or refused, repeats count once, damage costs one sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyais.encode import encode_dict

from connectors.city import City, status
from connectors.test_ais import NAME_1, NAME_2, NOW, POSITION, decode, tagged
from rhinecloud.connectors.ais.codec import AisCodec
from rhinecloud.connectors.ais.parts import LONGEST_WAIT, MOST_BETWEEN
from rhinecloud.pack import Ignored
from rhinecloud.pack.codec import DecodeFault, Parcel

EPOCH = datetime(2021, 9, 1, 20, 0, 4, tzinfo=UTC)


def voyage(number: int, seq: int = 3, talker: str = "AI") -> list[bytes]:
    """Return the two sentences of a ship's voyage, whose name and destination have the same number."""
    fields = {
        "type": 5,
        "mmsi": 244_000_000 + number,
        "shipname": f"SHIP {number}",
        "callsign": f"C{number}",
        "destination": f"PORT {number}",
    }
    lines = encode_dict(fields, talker_id=talker, radio_channel="A", seq_id=seq)
    assert len(lines) == 2
    return [line.encode() for line in lines]


def position(mmsi: int = 211234560) -> bytes:
    [line] = encode_dict({"type": 1, "mmsi": mmsi, "lon": 6.7, "lat": 51.4}, talker_id="AI")
    return line.encode()


def read(*lines: bytes, at: datetime = NOW) -> list[Any]:
    return list(AisCodec().decode(Parcel(b"\r\n".join(lines), at)))


def is_whole(message: Any) -> bool:
    return bool(
        message["shipname"].split()[1]
        == message["destination"].split()[1]
        == str(message["mmsi"])[3:].lstrip("0")
    )


def messages_of(items: list[Any]) -> list[Any]:
    return [item for item in items if not isinstance(item, DecodeFault | Ignored)]


@st.composite
def interleaved(draw: st.DrawFn, *, named: bool) -> tuple[list[bytes], int]:
    """Draw the sentences of several messages in an order that keeps that of each message's parts, and their number."""
    count = draw(st.integers(2, 8))
    waiting = []
    for number in range(1, count + 1):
        seq = draw(st.integers(0, 2))
        parts = voyage(number, seq)
        if named:
            tag = f"g:%d-2-{number},s:rx{number % 3}" if draw(st.booleans()) else f"s:receiver{number}"
            parts = [
                tagged((tag % place if "%d" in tag else tag).encode(), part)
                for place, part in enumerate(parts, 1)
            ]
        waiting.append(parts)
    lines = []
    while waiting:
        parts = draw(st.sampled_from(waiting))
        lines.append(parts.pop(0))
        waiting = [each for each in waiting if each]
    return lines, count


@given(drawn=interleaved(named=True))
def test_the_messages_of_receivers_that_name_themselves_or_their_groups_are_all_joined_right(
    drawn: tuple[list[bytes], int],
) -> None:
    lines, count = drawn
    found = messages_of(read(*lines))
    assert all(map(is_whole, found))
    assert len(found) == count


@given(drawn=interleaved(named=False), cut=st.integers(0, 15))
def test_the_parts_of_receivers_without_names_are_joined_right_or_refused(
    drawn: tuple[list[bytes], int], cut: int
) -> None:
    lines, count = drawn
    codec = AisCodec()
    items = [
        item for part in (lines[:cut], lines[cut:]) for item in codec.decode(Parcel(b"\n".join(part), NOW))
    ]
    found = messages_of(items)
    assert all(map(is_whole, found))
    refused = b"\n".join(item.raw for item in items if isinstance(item, DecodeFault)).split(b"\n")
    assert len(found) * 2 + len([line for line in refused if line]) == len(lines) == count * 2


def test_two_receivers_with_one_sequence_number_give_two_ships() -> None:
    (a1, a2), (b1, b2) = voyage(1), voyage(2)
    found = read(tagged(b"s:rxA", a1), tagged(b"s:rxB", b1), tagged(b"s:rxA", a2), tagged(b"s:rxB", b2))
    assert [(each["shipname"], each["source"]) for each in found] == [("SHIP 1", "rxA"), ("SHIP 2", "rxB")]


def test_two_talkers_with_one_sequence_number_give_two_ships() -> None:
    (a1, a2), (b1, b2) = voyage(1), voyage(2, talker="BS")
    assert [each["shipname"] for each in read(a1, b1, a2, b2)] == ["SHIP 1", "SHIP 2"]


def test_parts_without_a_name_that_are_mixed_are_faults_that_say_what_to_do() -> None:
    (a1, a2), (b1, b2) = voyage(1), voyage(2)
    found = read(a1, b1, a2, b2)
    assert [each.raw for each in found] == [a1, b1, a2, b2]
    assert "must name themselves in tag blocks" in found[-1].reason


def test_after_mixed_parts_the_next_message_is_read_again() -> None:
    (a1, a2), (b1, b2) = voyage(1), voyage(2)
    items = read(a1, b1, a2, b2, *voyage(3))
    assert [each["shipname"] for each in messages_of(items)] == ["SHIP 3"]


def test_one_lost_part_costs_no_more_than_what_begins_soon_after() -> None:
    codec = AisCodec()
    list(codec.decode(Parcel(voyage(1)[0], NOW)))
    later = NOW + LONGEST_WAIT + timedelta(seconds=1)
    [fault, message] = codec.decode(Parcel(b"\n".join(voyage(2)), later))
    assert fault.raw == voyage(1)[0]
    assert message["shipname"] == "SHIP 2"


def test_in_a_recording_without_times_a_lost_part_is_given_up_after_many_others() -> None:
    others = [line for number in range(2, MOST_BETWEEN // 2 + 4) for line in voyage(number, seq=number % 2)]
    items = read(voyage(1, seq=5)[0], *others, *voyage(9, seq=5))
    [fault] = [each for each in items if isinstance(each, DecodeFault)]
    assert fault.reason == "its further parts never came"
    assert len(messages_of(items)) == MOST_BETWEEN // 2 + 3


def test_a_message_that_never_becomes_whole_is_a_fault_at_the_next_sentence_of_any_kind() -> None:
    codec = AisCodec()
    assert list(codec.decode(Parcel(NAME_1, NOW))) == []
    _, [fault] = decode(POSITION, codec=codec, at=NOW + timedelta(minutes=1))
    assert (fault.raw, fault.reason) == (NAME_1, "its further parts never came")


@pytest.mark.parametrize("tag", [b"g:%d-2-77", b"%dG2:77"])
def test_a_group_joins_its_parts_where_the_receiver_has_no_name(tag: bytes) -> None:
    (a1, a2), (b1, b2) = voyage(1), voyage(2)
    lines = (tagged(tag % 1, a1), tagged(b"g:1-2-78", b1), tagged(tag % 2, a2), tagged(b"g:2-2-78", b2))
    assert [each["shipname"] for each in read(*lines)] == ["SHIP 1", "SHIP 2"]


def test_what_several_stations_report_of_one_transmission_counts_once() -> None:
    [first, second] = read(tagged(b"s:rxA", position()), tagged(b"s:rxB", position()))
    assert first["source"] == "rxA"
    assert isinstance(second, Ignored)
    assert second.reason == "another station has reported it already"
    a1, a2 = voyage(1)
    lines = (tagged(b"s:rxA", a1), tagged(b"s:rxB", a1), tagged(b"s:rxB", a2), tagged(b"s:rxA", a2))
    assert len(messages_of(read(*lines))) == 1


def test_what_one_station_repeats_and_what_another_reports_later_counts() -> None:
    codec = AisCodec()
    line = tagged(b"s:rxA", position())
    assert len(decode(line, line, codec=codec)[0]) == 2
    [message] = codec.decode(Parcel(tagged(b"s:rxB", position()), NOW + timedelta(seconds=30)))
    assert message["source"] == "rxB"


def test_parts_that_come_twice_from_receivers_without_names_are_one_message_and_no_fault() -> None:
    items = read(NAME_1, NAME_1, NAME_2, NAME_2)
    assert len(messages_of(items)) == 1
    assert not [each for each in items if isinstance(each, DecodeFault)]


@pytest.mark.parametrize(
    "tail",
    [
        b",1630526404,1630526406",
        b",1630526404.25",
        b" 1630526404123",
        b",s2000,d-100,T42.1,x123,r003669930,1630526404",
        b"\t2021-09-01T20:00:04Z",
        b";1630526404123456789",
    ],
)
def test_fields_after_the_checksum_tell_the_time(tail: bytes) -> None:
    [message] = read(POSITION + tail)
    assert message["time"].startswith("2021-09-01T20:00:04")
    assert message.get("source", "") == ("r003669930" if b"r003" in tail else "")
    assert AisCodec().recorded_at(POSITION + tail) is not None


@pytest.mark.parametrize(
    "tail", [b",", b",abc", b",12", b",99999999999999999999999", b" \x00", b",-93.5", b",nan,inf"]
)
def test_fields_after_the_checksum_that_are_no_time_do_no_harm(tail: bytes) -> None:
    [message] = read(POSITION + tail)
    assert "time" not in message


def test_a_tag_block_s_time_is_believed_before_the_fields_after_the_checksum() -> None:
    [message] = read(tagged(b"c:1577836800", POSITION + b",1630526404"))
    assert message["time"] == "2020-01-01T00:00:00Z"


def test_several_tag_blocks_are_read_as_one() -> None:
    [message] = read(tagged(b"s:rxA", tagged(b"c:1577836800", POSITION)))
    assert (message["source"], message["time"]) == ("rxA", "2020-01-01T00:00:00Z")


def test_a_time_before_a_sentence_is_its_time() -> None:
    [message] = read(b"1630526404 " + POSITION)
    assert message["time"] == "2021-09-01T20:00:04Z"


@pytest.mark.parametrize("damage", [0, 5, 12, 20, -4])
def test_where_a_line_end_is_lost_a_broken_sentence_costs_itself_alone(damage: int) -> None:
    items = read(POSITION[:damage] + tagged(b"s:rxB", position()) + POSITION)
    assert [each["mmsi"] for each in messages_of(items)] == [211234560, 258568010]
    faults = [each for each in items if isinstance(each, DecodeFault)]
    assert [each.raw for each in faults] == ([POSITION[:damage]] if damage else [])


def test_a_sentence_without_a_checksum_says_what_must_be() -> None:
    [fault] = read(POSITION[:-3])
    assert fault.reason == "it must end with a checksum: `*` and two hexadecimal digits"


@given(cut=st.binary(max_size=30), at=st.integers(0, 80))
def test_bytes_that_go_wrong_in_one_sentence_cost_no_other(cut: bytes, at: int) -> None:
    broken = (
        POSITION[:at] + cut.replace(b"\n", b"").replace(b"\r", b"").replace(b"#", b"") + POSITION[at + 5 :]
    )
    found = messages_of(read(position(211000001), broken, position(211000002)))
    assert {211000001, 211000002} <= {each["mmsi"] for each in found}


async def test_what_is_incomplete_when_a_recording_ends_is_a_dead_letter(city: City) -> None:
    (city.root / "ships.nmea").write_bytes(position() + b"\n" + NAME_1 + b"\n")
    feeds = await city.feed(connector="ais", mapping="ais", path="ships.nmea", speed=0)
    await feeds.get("test").finished()
    [letter] = (await feeds.deadletters.list()).items
    assert letter.reason == "its further parts never came"
    assert (status(feeds).dead, status(feeds).error) == (1, "")
