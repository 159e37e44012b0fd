"""CAP: warnings of the storm of June 2023 with all their areas; what is no warning is refused with its reason."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from connectors.city import FIXTURES, MAPPINGS, City, connector_settings, feed_settings, status
from rhinecloud.connectors.cap.alert import AlertReader
from rhinecloud.connectors.cap.areas import AreaTable
from rhinecloud.connectors.cap.codec import CapCodec
from rhinecloud.connectors.cap.document import linked_warnings
from rhinecloud.connectors.cap.shapes import read_shapes
from rhinecloud.connectors.plan import CitySources, plan_feeds
from rhinecloud.kernel.errors import Invalid
from rhinecloud.pack import Message
from rhinecloud.pack.codec import DecodeError, DecodeFault, Ignored, Parcel

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALERT = """<?xml version="1.0"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>a</identifier><sender>s</sender>
<sent>2026-03-01T12:00:00+01:00</sent><status>Actual</status><msgType>{kind}</msgType><scope>Public</scope>
<references>{references}</references><info><event>Flood</event><expires>2099-01-01T00:00:00Z</expires>
{area}</info></alert>"""


def decode(body: bytes, most_bytes: int = 10_000_000) -> list[Message | DecodeFault | Ignored]:
    return list(CapCodec(most_bytes).decode(Parcel(body, NOW)))


def alert(kind: str = "Alert", references: str = "", area: str = "") -> Message:
    [message] = decode(ALERT.format(kind=kind, references=references, area=area).encode())
    assert not isinstance(message, DecodeFault | Ignored)
    return message


def test_the_zip_of_the_weather_service_gives_three_warnings_with_all_areas() -> None:
    messages = decode((FIXTURES / "cap" / "storm-2023-06-22.zip").read_bytes())
    areas = []
    for message in messages:
        assert not isinstance(message, DecodeFault | Ignored)
        areas.append(sum(len(info["areas"]) for info in message["infos"]))
        assert [info["language"] for info in message["infos"]] == [
            "de-DE",
            "en",
            "fr",
            "es",
            "ar",
            "ru",
            "tr",
            "pl",
        ]
    assert sorted(areas) == [32, 392, 1352]


def test_an_update_names_what_it_replaces_and_says_it_in_every_language() -> None:
    [message] = decode((FIXTURES / "cap" / "heavy-rain-update.xml").read_bytes())
    assert not isinstance(message, DecodeFault | Ignored)
    assert (message["msg_type"], message["status"], message["scope"]) == ("Update", "Actual", "Public")
    assert message["references"] == [
        {
            "sender": "opendata@dwd.de",
            "identifier": "2.49.0.0.276.0.DWD.PVW.1687503060000.fc4f7fd9-80e7-4d71-969a-254be3e27e83.MUL",
            "sent": "2023-06-23T08:51:00+02:00",
        }
    ]
    german, english = message["infos"][:2]
    assert german["headline"] == "Amtliche WARNUNG vor STARKREGEN"
    assert english["headline"] == "Official WARNING of HEAVY RAIN"
    assert german["event_code"]["II"] == ["61"]
    assert german["parameter"] == {"precipitation": ["20-30 [l/m² in 6h]"]}
    ring = german["areas"][0]["polygons"][0]
    assert ring[0] == ring[-1] == [12.172358, 52.625569]
    assert german["areas"][1]["geocode"] == {"WARNCELLID": ["812069270"]}
    assert german["areas"][0]["ceiling_ft"] == 9842.5197


def test_a_circle_gives_centre_and_radius() -> None:
    message = alert(area="<area><areaDesc>x</areaDesc><circle>51.4,6.7 2.5</circle></area>")
    assert message["infos"][0]["areas"][0]["circles"] == [{"centre": [6.7, 51.4], "radius_km": 2.5}]


def test_a_cancel_keeps_its_references() -> None:
    message = alert("Cancel", "s,one,2026-03-01T10:00:00+01:00 s,two,2026-03-01T11:00:00+01:00 broken")
    assert [each["identifier"] for each in message["references"]] == ["one", "two"]
    assert message["faults"] == [
        {"place": "references", "reason": "must be `sender,identifier,sent`, not 'broken'"}
    ]


@pytest.mark.parametrize(
    ("shape", "place", "reason"),
    [
        ("<polygon>51,6 52,7</polygon>", "polygon.1", "at least three different corners"),
        ("<polygon>51,6 x,7 52,8 51,6</polygon>", "polygon.1", "pairs `latitude,longitude`"),
        ("<polygon>151,6 52,7 53,8 151,6</polygon>", "polygon.1", "latitudes up to 90"),
        ("<polygon>51,6 52,7 53,8 51,6</polygon>", "polygon.1", "must enclose an area"),
        ("<circle>51,6 x</circle>", "circle.0", "a radius in km"),
        ("<circle>51 6 3</circle>", "circle.0", "pairs `latitude,longitude`"),
    ],
)
def test_a_shape_that_is_none_costs_itself_and_is_named_with_its_place(
    shape: str, place: str, reason: str
) -> None:
    good = "<polygon>51.1,6.1 51.1,6.2 51.2,6.2</polygon>"
    message = alert(area=f"<area><areaDesc>Kehl</areaDesc>{good}{shape}</area>")
    [fault] = message["faults"]
    assert fault["place"] == f"infos.0.areas.0.{place}"
    assert reason in fault["reason"]
    assert "(area 'Kehl')" in fault["reason"]
    assert len(message["infos"][0]["areas"][0]["polygons"]) == 1


def test_white_space_within_a_polygon_does_no_harm() -> None:
    message = alert(area="<area><polygon>\n51.1, 6.1\n51.1 ,6.2\t51.2,6.2 </polygon></area>")
    [ring] = message["infos"][0]["areas"][0]["polygons"]
    assert ring == [[6.1, 51.1], [6.2, 51.1], [6.2, 51.2], [6.1, 51.1]]


def test_a_polygon_that_crosses_itself_is_mended_and_that_is_said() -> None:
    crossing = "<area><areaDesc>x</areaDesc><polygon>51,6 52,7 52,6 51,7 51,6</polygon></area>"
    note, message = decode(ALERT.format(kind="Alert", references="", area=crossing).encode())
    assert isinstance(note, Ignored)
    assert note.reason == "a polygon that crosses itself was mended"
    assert not isinstance(message, DecodeFault | Ignored)
    rings = message["infos"][0]["areas"][0]["polygons"]
    assert len(rings) == 2
    assert all(Polygon(ring).is_valid for ring in rings)


@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), max_size=12))
def test_a_ring_is_closed_or_refused(corners: list[tuple[float, float]]) -> None:
    shapes = read_shapes([" ".join(f"{y},{x}" for y, x in corners)], [])
    assert len(shapes.polygons) > 0 or len(shapes.unusable) == 1 or not corners
    for ring in shapes.polygons:
        assert ring[0] == ring[-1]
        assert len(ring) >= 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WARNCELLID", "105112000"),
        ("WARNCELLID", "805112000"),
        ("EMMA_ID", "DEA12"),
        ("NUTS3", "DEA12"),
        ("AGS", "05112000"),
        ("ARS", "051120000000"),
        ("Stadt Duisburg", "051120000000"),
    ],
)
def test_an_area_that_has_only_a_code_gets_the_outline_of_that_code(name: str, value: str) -> None:
    code = f"<geocode><valueName>{name}</valueName><value>{value}</value></geocode>"
    [area] = alert(area=f"<area><areaDesc>x</areaDesc>{code}</area>")["infos"][0]["areas"]
    [ring] = area["polygons"]
    assert Polygon(ring).contains(Point(6.76, 51.43))
    assert area["geocode"] == {name: [value]}


def test_a_municipality_within_a_district_is_not_the_whole_district() -> None:
    assert AreaTable().find("WARNCELLID", "105170000")
    assert AreaTable().find("WARNCELLID", "805170048") == []


def test_a_warning_without_any_known_place_is_counted_and_names_its_codes() -> None:
    code = "<area><areaDesc>Nowhere</areaDesc><geocode><valueName>UGC</valueName><value>X1</value></geocode></area>"
    note, message = decode(ALERT.format(kind="Alert", references="", area=code).encode())
    assert isinstance(note, Ignored)
    assert note.reason.endswith("its place is not known")
    assert "Nowhere {'UGC': ['X1']}" in note.sample
    assert not isinstance(message, DecodeFault | Ignored)


async def test_a_citys_own_file_adds_areas_by_their_codes(city: City) -> None:
    ring = [[6.7, 51.4], [6.8, 51.4], [6.8, 51.5], [6.7, 51.4]]
    feature = {
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"WARNCELLID": 805112901},
    }
    (city.root / "areas.geojson").write_text(json.dumps({"features": [feature]}))
    code = "<geocode><valueName>WARNCELLID</valueName><value>805112901</value></geocode>"
    body = ALERT.format(kind="Alert", references="", area=f"<area><areaDesc>x</areaDesc>{code}</area>")
    (city.root / "1.xml").write_text(body)
    feeds = await city.feed(connector="cap", mapping="cap", path="1.xml", code_areas="areas.geojson", speed=0)
    await feeds.get("test").finished()
    [warning] = (await city.entities("WeatherAlert")).values()
    assert warning["location"]["coordinates"] == [ring]


def test_a_file_of_areas_that_is_none_is_refused_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "areas.geojson").write_text("{}")
    sources = CitySources(tmp_path, MAPPINGS)
    feed = feed_settings(connector="cap", mapping="cap", url="http://a.example/", code_areas="areas.geojson")
    with pytest.raises(Invalid, match=r"feeds\.test\.code_areas: must be a GeoJSON FeatureCollection"):
        plan_feeds({"test": feed}, connector_settings(), sources)


def test_a_warning_without_an_end_ends_after_the_lifetime_of_the_feed() -> None:
    body = ALERT.format(kind="Alert", references="", area="")
    body = body.replace("<expires>2099-01-01T00:00:00Z</expires>", "")
    [message] = CapCodec(1_000_000, AlertReader(lifetime=timedelta(hours=2))).decode(
        Parcel(body.encode(), NOW)
    )
    assert not isinstance(message, DecodeFault | Ignored)
    [info] = message["infos"]
    assert (info["expires"], info["expires_assumed"]) == ("2026-03-01T13:00:00+00:00", True)


def test_a_time_that_is_none_costs_itself() -> None:
    message = alert(area="<onset>soon</onset>")
    assert message["faults"] == [
        {"place": "infos.0.onset", "reason": "must be a moment with its zone, not 'soon'"}
    ]
    assert "onset" not in message["infos"][0]


INFO = "<info><language>{0}</language><event>{1}</event><severity>{2}</severity></info>"


def test_translations_are_one_part_and_other_severities_are_parts_of_their_own() -> None:
    blocks = [
        ("de", "Sturm", "Minor"),
        ("en", "Storm", "Minor"),
        ("de", "Orkan", "Extreme"),
        ("en", "Gale", "Extreme"),
    ]
    infos = "".join(INFO.format(*each) for each in blocks)
    head = ALERT.format(kind="Alert", references="", area="").partition("<info>")[0]
    [message] = decode(f"{head}{infos}</alert>".encode())
    assert not isinstance(message, DecodeFault | Ignored)
    assert [info["part"] for info in message["infos"]] == [1, 1, 2, 2]
    assert message["parts"] == 2


ONE = ALERT.format(kind="Alert", references="", area="").partition("?>")[2].strip()


@pytest.mark.parametrize(
    "wrapped",
    [
        f'<n:alerts xmlns:n="http://gov.fema.ipaws.services/feed">{ONE}{ONE}</n:alerts>',
        '<d:EDXLDistribution xmlns:d="urn:oasis:names:tc:emergency:EDXL:DE:1.0"><d:contentObject><d:xmlContent>'
        f"<d:embeddedXMLContent>{ONE}{ONE}</d:embeddedXMLContent></d:xmlContent></d:contentObject>"
        "</d:EDXLDistribution>",
        f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><content type="text/xml">{ONE}</content></entry>'
        f"<entry><content>{ONE}</content></entry></feed>",
        f'<rss version="2.0"><channel><item>{ONE}</item><item>{ONE}</item></channel></rss>',
    ],
)
def test_alerts_within_wrappers_are_read(wrapped: str) -> None:
    messages = decode(wrapped.encode())
    assert [not isinstance(each, DecodeFault | Ignored) and each["identifier"] for each in messages] == [
        "a",
        "a",
    ]


def test_an_exercise_of_the_envelope_is_an_exercise_of_all_that_it_holds() -> None:
    body = (
        '<d:EDXLDistribution xmlns:d="urn:oasis:names:tc:emergency:EDXL:DE:1.0">'
        f"<d:distributionStatus>Exercise</d:distributionStatus>{ONE}</d:EDXLDistribution>"
    )
    [message] = decode(body.encode())
    assert not isinstance(message, DecodeFault | Ignored)
    assert message["status"] == "Exercise"


def test_an_index_without_warnings_is_in_order_and_a_broken_alert_costs_only_itself() -> None:
    assert decode(b'<feed xmlns="http://www.w3.org/2005/Atom"></feed>') == []
    broken = ONE.replace("<sender>s</sender>", "")
    _, fault = decode(f'<n:alerts xmlns:n="http://x">{ONE}{broken}</n:alerts>'.encode())
    assert isinstance(fault, DecodeFault)
    assert fault.reason == "alert 2 of 2: no CAP alert: without sender"


NINA = {
    "identifier": "mow.DE-NW-DU-W001-000",
    "sender": "DE-NW-DU-W001",
    "sent": "2026-03-01T12:00:00+01:00",
    "status": "Actual",
    "msgType": "Alert",
    "scope": "Public",
    "info": [
        {
            "language": "DE",
            "category": ["Health"],
            "event": "Gefahreninformation",
            "urgency": "Immediate",
            "severity": "Minor",
            "certainty": "Observed",
            "headline": "Trinkwasser abkochen",
            "area": [
                {
                    "areaDesc": "Duisburg, Ruhrort",
                    "polygon": ["6.70,51.40 6.80,51.40 6.80,51.50 6.70,51.40"],
                    "geocode": [{"valueName": "Duisburg", "value": "051120000000"}],
                }
            ],
        }
    ],
}


def test_the_json_form_of_nina_is_read_with_its_longitudes_first() -> None:
    for document in (NINA, [NINA], {"warnings": [{"alert": NINA, "uuid": "1"}]}):
        [message] = decode(json.dumps(document).encode())
        assert not isinstance(message, DecodeFault | Ignored)
        [area] = message["infos"][0]["areas"]
        assert area["polygons"][0][0] == [6.7, 51.4]
        assert message["infos"][0]["category"] == ["Health"]


def test_json_in_the_order_of_cap_is_read_as_such() -> None:
    text = json.dumps(NINA).replace(
        "6.70,51.40 6.80,51.40 6.80,51.50 6.70,51.40", "51.4,6.7 51.4,6.8 51.5,6.8"
    )
    [message] = decode(text.encode())
    assert not isinstance(message, DecodeFault | Ignored)
    assert message["infos"][0]["areas"][0]["polygons"][0][0] == [6.7, 51.4]


def test_json_without_an_alert_is_refused_and_an_empty_list_is_none() -> None:
    assert decode(b"[]") == []
    assert decode(b'{"warnings": []}') == []
    with pytest.raises(DecodeError, match="the JSON has no object with identifier and msgType"):
        decode(b'{"error": "not found"}')


@pytest.mark.parametrize(
    ("index", "links"),
    [
        (
            b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><updated>1</updated>'
            b'<link type="text/html" href="a.html"/><link type="application/cap+xml" href="a.cap"/></entry></feed>',
            ["https://x.example/d/a.cap#1"],
        ),
        (
            b"<rss><channel><item><link>https://y.example/b</link></item></channel></rss>",
            ["https://y.example/b"],
        ),
        (
            b'[{"id": "mow.1", "sent": "2026", "payload": {}}]',
            ["https://x.example/warnings/mow.1.json#2026"],
        ),
    ],
)
def test_an_index_names_warnings_that_are_documents_of_their_own(index: bytes, links: list[str]) -> None:
    assert linked_warnings(index, "https://x.example/d/index.json") == links
    [ignored] = decode(index)
    assert isinstance(ignored, Ignored)
    assert ignored.reason == "an index names a warning, which only a feed over HTTP fetches"


def test_an_update_of_itself_does_not_end_itself() -> None:
    codec = CapCodec(1_000_000)
    again = replaying("Update", "a", "2026-03-01T12:00:00Z", of="a")
    assert [replaced(codec, again), replaced(codec, again)] == [None, None]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<alert>", "no readable XML"),
        (b"<html/>", "no CAP alert: the document is html"),
        (
            b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><sender>a</sender></alert>',
            "without identifier",
        ),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><alert>&b;</alert>', "no readable XML"),
        (b"PK\x03\x04 and no more", "broken zip"),
    ],
)
def test_what_is_no_warning_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        decode(body)


def test_a_zip_with_one_broken_warning_still_gives_the_others() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("broken.xml", "<alert>")
        archive.write(FIXTURES / "cap" / "heavy-rain-update.xml", "good.xml")
    fault, message = decode(buffer.getvalue())
    assert isinstance(fault, DecodeFault)
    assert fault.reason.startswith("broken.xml: no readable XML")
    assert not isinstance(message, DecodeFault | Ignored)


def test_a_zip_that_unpacks_to_more_than_the_limit_is_stopped() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.xml", b" " * 5_000_000)
    [fault] = decode(buffer.getvalue(), most_bytes=1_000_000)
    assert isinstance(fault, DecodeFault)
    assert "more than 1000000 bytes" in fault.reason


def test_a_warning_names_the_moment_of_its_sending() -> None:
    body = (FIXTURES / "cap" / "heavy-rain-update.xml").read_bytes()
    assert CapCodec(1_000_000).recorded_at(body) == datetime(2023, 6, 23, 9, 14, tzinfo=UTC)
    assert CapCodec(1_000_000).recorded_at(b"nothing") is None


async def test_a_cancel_ends_the_warning_that_it_names_and_makes_none_of_one_never_received(
    city: City,
) -> None:
    (city.root / "cap").mkdir()
    first = ALERT.format(kind="Alert", references="", area="")
    references = "s,a,2026-03-01T12:00:00+01:00 s,never,2026-03-01T11:00:00+01:00"
    cancel = ALERT.format(kind="Cancel", references=references, area="").replace(
        "<identifier>a<", "<identifier>b<"
    )
    (city.root / "cap" / "1.xml").write_text(first)
    (city.root / "cap" / "2.xml").write_text(cancel)
    feeds = await city.feed(connector="cap", mapping="cap", path="cap/*.xml", speed=0)
    await feeds.get("test").finished()
    warnings = await city.entities("WeatherAlert")
    assert {name: each["status"] for name, each in warnings.items()} == {"urn:ngsi-ld:Warning:a": "ended"}
    assert status(feeds).dead == 0


async def test_a_warning_that_comes_after_the_one_that_replaces_it_is_ended_from_the_first(
    city: City,
) -> None:
    (city.root / "cap").mkdir()
    late = ALERT.format(kind="Alert", references="", area="")
    update = (
        ALERT.format(kind="Update", references="s,a,2026-03-01T12:00:00+01:00", area="")
        .replace("<identifier>a<", "<identifier>b<")
        .replace("<sent>2026-03-01T12:00", "<sent>2026-03-01T12:30")
    )
    (city.root / "cap" / "1.xml").write_text(update)
    (city.root / "cap" / "2.xml").write_text(late)
    feeds = await city.feed(connector="cap", mapping="cap", path="cap/*.xml", speed=0)
    await feeds.get("test").finished()
    found = await city.entities("WeatherAlert")
    assert {name[-1]: each["status"] for name, each in found.items()} == {"a": "ended", "b": "active"}
    assert found["urn:ngsi-ld:Warning:a"]["validTo"]["@value"] == "2026-03-01T11:30:00Z"


def replaying(kind: str, identifier: str, sent: str, *, status: str = "Actual", of: str = "") -> bytes:
    """An alert, or one that replaces `of`."""
    body = ALERT.format(kind=kind, references=f"s,{of},{sent}" if of else "", area="")
    body = body.replace("<identifier>a<", f"<identifier>{identifier}<").replace("Actual", status)
    return body.replace("2026-03-01T12:00:00+01:00</sent>", f"{sent}</sent>").encode()


def replaced(codec: CapCodec, body: bytes, shift: timedelta | None = None) -> str | None:
    [message] = codec.decode(Parcel(body, NOW, shift=shift))
    assert not isinstance(message, DecodeFault | Ignored)
    found: str | None = message.get("replaced_at")
    return found


def test_a_recording_that_is_played_again_brings_its_warnings_anew() -> None:
    codec, hour = CapCodec(1_000_000), timedelta(hours=1)
    first = replaying("Alert", "a", "2026-03-01T12:00:00Z")
    second = replaying("Update", "b", "2026-03-01T12:10:00Z", of="a")
    assert [replaced(codec, each, hour) for each in (first, second)] == [None, None]
    assert replaced(codec, first, 2 * hour) is None
    assert replaced(codec, first, hour) == "2026-03-01T13:10:00+00:00"


@pytest.mark.parametrize(("kind", "status"), [("Ack", "Actual"), ("Error", "Actual"), ("Cancel", "Exercise")])
def test_an_answer_or_an_exercise_replaces_nothing(kind: str, status: str) -> None:
    codec = CapCodec(1_000_000)
    assert replaced(codec, replaying(kind, "b", "2026-03-01T12:10:00Z", status=status, of="a")) is None
    assert replaced(codec, replaying("Alert", "a", "2026-03-01T12:00:00Z")) is None


def test_a_codec_remembers_no_more_than_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rhinecloud.connectors.cap.codec.REMEMBERED", 2)
    codec = CapCodec(1_000_000)
    for name in "xyz":
        replaced(codec, replaying("Cancel", f"c{name}", "2026-03-01T12:10:00Z", of=name))
    ends = [replaced(codec, replaying("Alert", name, "2026-03-01T12:00:00Z")) is not None for name in "xyz"]
    assert ends == [False, True, True]
