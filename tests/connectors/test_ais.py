"""AIS: recorded logs give the counts that are known of them; parts, tag blocks and damage are treated as written."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from connectors.city import FIXTURES
from rhinecloud.connectors.ais.codec import AisCodec
from rhinecloud.pack import Message
from rhinecloud.pack.codec import DecodeFault, Parcel

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
POSITION = b"!AIVDM,1,1,,B,13nUgBWP01PkHvDU7<kC4wvJ2>`<,0*27"
NAME_1 = b"!AIVDM,2,1,7,A,53aGulD0000000c7?0918Tq<E>0<Q8U=@Tp400155P:22uG`002ShTj0,0*05"
NAME_2 = b"!AIVDM,2,2,7,A,EQC`4Sm51A0C@08,2*50"


def tagged(fields: bytes, sentence: bytes) -> bytes:
    """Put a tag block with a right checksum before a sentence."""
    check = 0
    for byte in fields:
        check ^= byte
    return b"\\" + fields + b"*%02X\\" % check + sentence


def decode(
    *bodies: bytes, codec: AisCodec | None = None, at: datetime = NOW
) -> tuple[list[Message], list[DecodeFault]]:
    """Decode bodies one after the other and part what was read from what was not."""
    codec = codec or AisCodec()
    items = [item for body in bodies for item in codec.decode(Parcel(body, at))]
    messages = [item for item in items if not isinstance(item, DecodeFault)]
    return messages, [item for item in items if isinstance(item, DecodeFault)]


def test_the_log_of_2018_gives_1326_messages_of_1161_senders_and_no_fault() -> None:
    messages, faults = decode((FIXTURES / "ais" / "type6-fid55-2018.log").read_bytes())
    assert (len(messages), len({message["mmsi"] for message in messages}), faults) == (1326, 1161, [])
    kinds = Counter(message["msg_type"] for message in messages)
    assert kinds[1] + kinds[2] + kinds[3] == 696
    assert (kinds[5], kinds[18], kinds[19], kinds[21], kinds[24], kinds[27]) == (130, 110, 1, 133, 63, 1)


def test_the_log_of_2018_holds_44_inland_ships_and_49_counts_of_persons() -> None:
    messages, _ = decode((FIXTURES / "ais" / "type6-fid55-2018.log").read_bytes())
    inland = [each for each in messages if (each.get("dac"), each.get("fid")) == (200, 10)]
    persons = [each for each in messages if (each.get("dac"), each.get("fid")) == (200, 55)]
    assert (len(inland), len(persons)) == (44, 49)
    ship = next(each for each in inland if each["mmsi"] == 244050235)
    assert ship["eni"] == "07001747"
    assert (ship["inland_length"], ship["inland_beam"], ship["inland_draught"]) == (106.0, 10.5, 1.0)
    assert (ship["eri_ship_type"], ship["hazard"], ship["loaded"]) == (8020, 0, 2)
    assert "shiptype" not in ship
    unknown = [each for each in persons if "persons_on_board" not in each]
    assert {each["data"][:8] for each in unknown} == {"fffffff8"}
    crew = next(each for each in persons if each["mmsi"] == 244700185)
    assert (crew["crew"], crew["passengers"], crew["persons_on_board"]) == (4, 0, 4)
    without_personnel = next(each for each in persons if each["mmsi"] == 269057578)
    assert without_personnel["persons_on_board"] == 2
    assert "personnel" not in without_personnel


def test_blue_cones_that_are_unknown_are_left_out() -> None:
    messages, _ = decode((FIXTURES / "ais" / "type6-fid55-2018.log").read_bytes())
    yacht = next(each for each in messages if each.get("fid") == 10 and each["mmsi"] == 205625000)
    assert "hazard" not in yacht
    assert "loaded" not in yacht


def test_the_log_of_lemmer_gives_171_messages_and_times_by_the_receivers_gps() -> None:
    body = (FIXTURES / "ais" / "lemmer-2020.log").read_bytes()
    messages, faults = decode(body)
    assert (len(messages), faults) == (171, [])
    codec = AisCodec()
    times = [moment for line in body.splitlines() if (moment := codec.recorded_at(line))]
    assert times[0] == datetime(2020, 4, 7, 21, 39, 50, tzinfo=UTC)
    assert times == sorted(times)


def test_the_sample_of_pyais_gives_778_messages_and_100_sentences_without_content() -> None:
    messages, faults = decode((FIXTURES / "ais" / "pyais-sample.txt").read_bytes())
    assert len(messages) == 778
    empty = [fault for fault in faults if "MissingPayload" in fault.reason]
    assert len(empty) == 100
    assert {fault.raw for fault in empty} == {b"!AIVDM,1,1,,A,,0*26", b"!AIVDM,1,1,,B,,0*25"}
    assert {fault.reason for fault in faults} - {fault.reason for fault in empty} == {
        "its further parts never came"
    }


def test_a_position_leaves_out_what_is_not_available() -> None:
    [message], _ = decode(POSITION)
    assert (message["mmsi"], message["speed"], message["lon"], message["lat"]) == (
        258568010,
        0.1,
        11.226363,
        64.858795,
    )
    assert "heading" not in message
    assert "turn" not in message


def test_a_tag_block_gives_time_and_source_to_all_parts_of_a_message() -> None:
    tag = b"g:1-2-77,s:ruhrort,c:1577836800"
    [message], faults = decode(tagged(tag, NAME_1) + b"\r\n" + NAME_2 + b"\r\n")
    assert faults == []
    assert (message["shipname"], message["time"], message["source"]) == (
        "PRINSES CHRISTINA",
        "2020-01-01T00:00:00Z",
        "ruhrort",
    )
    assert "simulated" not in message


def test_a_tag_block_in_milliseconds_is_understood_and_a_nonsense_time_is_not() -> None:
    (right, wrong), _ = decode(tagged(b"c:1577836800000", POSITION), tagged(b"c:17", POSITION))
    assert right["time"] == "2020-01-01T00:00:00Z"
    assert "time" not in wrong


def test_a_tag_block_with_a_wrong_checksum_is_not_believed() -> None:
    [message], faults = decode(b"\\s:sim,c:1577836800*00\\" + POSITION)
    assert faults == []
    assert "source" not in message


def test_a_source_that_begins_with_sim_marks_the_message_as_simulated() -> None:
    [message], _ = decode(tagged(b"s:simulator", POSITION))
    assert message["simulated"] is True


def test_a_wrong_checksum_is_a_fault_with_the_line() -> None:
    _, [fault] = decode(POSITION[:-2] + b"26")
    assert fault.raw == POSITION[:-2] + b"26"
    assert "checksum" in fault.reason


def test_parts_come_together_over_parcels() -> None:
    codec = AisCodec()
    assert decode(NAME_1, codec=codec) == ([], [])
    [message], faults = decode(NAME_2, codec=codec)
    assert (message["shipname"], faults) == ("PRINSES CHRISTINA", [])


def test_a_second_part_without_the_first_is_a_fault() -> None:
    _, [fault] = decode(NAME_2)
    assert "part 2 of 2" in fault.reason


def test_an_old_first_part_is_not_joined_to_a_new_second_one() -> None:
    codec = AisCodec()
    decode(NAME_1, codec=codec)
    messages, [first, second] = decode(NAME_2, codec=codec, at=NOW + timedelta(minutes=5))
    assert messages == []
    assert (first.raw, first.reason) == (NAME_1, "its further parts never came")
    assert "part 2 of 2" in second.reason


def test_first_parts_without_end_are_forgotten_in_time() -> None:
    codec = AisCodec()
    body = b"\n".join(
        b"!AIVDM,2,1,%d,%c,53aGulD0,0" % (number % 10, 65 + number // 10) for number in range(260)
    )
    lines = []
    for line in body.splitlines():
        check = 0
        for byte in line[1:]:
            check ^= byte
        lines.append(line + b"*%02X" % check)
    _, faults = decode(b"\n".join(lines), codec=codec)
    assert [fault.reason for fault in faults] == ["its further parts never came"] * 4


def test_comments_and_gps_sentences_are_no_faults() -> None:
    assert decode(b"# a comment\r\n$GPRMC,213950.00,V,,,,,,,070420,,,A*00\n\n") == ([], [])


def test_a_line_that_is_too_long_is_a_fault() -> None:
    _, [fault] = decode(b"!AIVDM," + b"1" * 5000)
    assert "longer than" in fault.reason
