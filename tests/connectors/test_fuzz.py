"""Random bytes never raise anything but the declared DecodeError, and always come to an end."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.city import FIXTURES
from rhinecloud.connectors.ais.codec import AisCodec
from rhinecloud.connectors.bounded import gunzip
from rhinecloud.connectors.cap.codec import CapCodec
from rhinecloud.connectors.csv.codec import CsvCodec
from rhinecloud.connectors.gtfs.codec import GtfsCodec
from rhinecloud.connectors.gtfs_rt.codec import GtfsRealtimeCodec
from rhinecloud.connectors.json.codec import JsonCodec
from rhinecloud.connectors.pegelonline.codec import PegelonlineCodec
from rhinecloud.connectors.pipeline import EntityDraft, refused
from rhinecloud.pack.codec import Codec, DecodeError, DecodeFault, Parcel

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TABLES = ("agency", "stops", "routes", "trips", "shapes", "stop_times", "calendar")
CODECS: dict[str, Callable[[], Codec]] = {
    "ais": AisCodec,
    "cap": lambda: CapCodec(1_000_000),
    "csv": CsvCodec,
    "gtfs": lambda: GtfsCodec(TABLES, 1_000_000),
    "gtfs-rt": GtfsRealtimeCodec,
    "json": JsonCodec,
    "pegelonline": PegelonlineCodec,
}
SAMPLES: dict[str, bytes] = {
    "ais": b"".join((FIXTURES / "ais" / "lemmer-2020.log").read_bytes().splitlines(keepends=True)[:60]),
    "cap": (FIXTURES / "cap" / "heavy-rain-update.xml").read_bytes()[:6000],
    "csv": b"timestamp,w_cm\n2022-08-08T22:17:00+02:00,93\n2022-08-08T23:57:00+02:00,93\n",
    "gtfs": (FIXTURES / "gtfs" / "testagency.zip").read_bytes(),
    "gtfs-rt": (FIXTURES / "gtfs-rt" / "bullrunner-vehicle-positions.pb").read_bytes(),
    "json": b'{"station": "a", "time": "2026-03-01T12:00:00Z", "list": [1, 2.5, null, {"a": "b"}]}',
    "pegelonline": (FIXTURES / "pegelonline" / "wuerzburg.json").read_bytes(),
}
PIECES: dict[str, list[bytes]] = {
    "ais": [
        b"!AIVDM,",
        b"1,1,,A,",
        b"2,1,3,B,",
        b"2,2,3,B,",
        b"13nUgBWP01PkHvDU7<kC4wvJ2>`<",
        b",0*27",
        b"\\s:sim,c:9*00\\",
    ],
    "cap": [
        b"<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'>",
        b"<info>",
        b"</alert>",
        b"<polygon>",
        b"1,2 3,4",
    ],
    "csv": [b"timestamp,w_cm\n", b"1,2\n", b'"', b";", b"a;b\n"],
    "gtfs": [b"PK\x03\x04", b"stops.txt"],
    "gtfs-rt": [
        b"\n\x16\n\x031.0",
        b'{"header":{"gtfs_realtime_version":"1.0"},"entity":[',
        b"]}",
        b'{"id":"1"}',
    ],
    "json": [b"{", b"}", b"[", b'"a":', b"1e999", b"NaN", b"\xed\xa0\x80", b'"\\ud800"'],
    "pegelonline": [b'[{"uuid":', b'"a"', b',"timeseries":', b"[", b"]", b"{", b"}", b"null", b"1"],
}


def use(make: Callable[[], Codec], *bodies: bytes) -> None:
    """Feed bodies to one codec; each message must be plain JSON."""
    codec = make()
    for body in bodies:
        try:
            for item in codec.decode(Parcel(body, NOW, origin="/stations/x/W/currentmeasurement.json")):
                assert isinstance(item, DecodeFault) or refused(EntityDraft(item, []), "").raw
        except DecodeError:
            pass
        codec.recorded_at(body)


@pytest.mark.parametrize("name", CODECS)
@settings(max_examples=150, deadline=2000)
@given(bodies=st.lists(st.binary(max_size=300), min_size=1, max_size=3))
def test_random_bytes_raise_nothing_but_decode_errors(name: str, bodies: list[bytes]) -> None:
    use(CODECS[name], *bodies)


@pytest.mark.parametrize("name", CODECS)
@settings(max_examples=200, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_pieces_of_the_protocol_in_any_order_raise_nothing_but_decode_errors(
    name: str, data: st.DataObject
) -> None:
    piece = st.one_of(st.sampled_from(PIECES[name]), st.binary(max_size=20), st.just(b"\n"))
    use(CODECS[name], b"".join(data.draw(st.lists(piece, max_size=20))))


@pytest.mark.parametrize("name", CODECS)
@settings(max_examples=150, deadline=2000)
@given(data=st.data())
def test_real_data_with_flipped_bytes_raise_nothing_but_decode_errors(name: str, data: st.DataObject) -> None:
    body = bytearray(SAMPLES[name])
    for _ in range(data.draw(st.integers(1, 8))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    use(CODECS[name], bytes(body), bytes(body[:cut]))


@settings(max_examples=100, deadline=2000)
@given(rows=st.lists(st.text(max_size=60), max_size=12), table=st.sampled_from(TABLES))
def test_any_text_as_a_table_of_a_timetable_gives_rows_or_faults(rows: list[str], table: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{table}.txt", "\n".join(rows).encode("utf-8", "surrogatepass"))
    use(CODECS["gtfs"], buffer.getvalue())


@given(body=st.binary(max_size=200))
def test_broken_gzip_is_a_decode_error(body: bytes) -> None:
    with contextlib.suppress(DecodeError):
        gunzip(b"\x1f\x8b" + body, 1000)
