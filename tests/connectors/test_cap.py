"""CAP: warnings of the storm of June 2023 with all their areas; what is no warning is refused with its reason."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from connectors.city import FIXTURES, City, status
from rhinecloud.connectors.cap.codec import CapCodec
from rhinecloud.pack import Message
from rhinecloud.pack.codec import DecodeError, DecodeFault, Parcel

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALERT = """<?xml version="1.0"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>a</identifier><sender>s</sender>
<sent>2026-03-01T12:00:00+01:00</sent><status>Actual</status><msgType>{kind}</msgType><scope>Public</scope>
<references>{references}</references><info><event>Flood</event>{area}</info></alert>"""


def decode(body: bytes, most_bytes: int = 10_000_000) -> list[Message | DecodeFault]:
    return list(CapCodec(most_bytes).decode(Parcel(body, NOW)))


def alert(kind: str = "Alert", references: str = "", area: str = "") -> Message:
    [message] = decode(ALERT.format(kind=kind, references=references, area=area).encode())
    assert not isinstance(message, DecodeFault)
    return message


def test_the_zip_of_the_weather_service_gives_three_warnings_with_all_areas() -> None:
    messages = decode((FIXTURES / "cap" / "storm-2023-06-22.zip").read_bytes())
    areas = []
    for message in messages:
        assert not isinstance(message, DecodeFault)
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
    assert not isinstance(message, DecodeFault)
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


@pytest.mark.parametrize("polygon", ["51,6 52,7", "51,6 x,7 52,8 51,6", "151,6 52,7 53,8 151,6"])
def test_a_polygon_that_is_none_is_left_out(polygon: str) -> None:
    message = alert(area=f"<area><areaDesc>x</areaDesc><polygon>{polygon}</polygon></area>")
    assert message["infos"][0]["areas"][0]["polygons"] == []


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
    assert not isinstance(message, DecodeFault)


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
    assert {name: each["status"] for name, each in warnings.items()} == {
        "urn:ngsi-ld:WeatherAlert:a": "ended"
    }
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
    assert found["urn:ngsi-ld:WeatherAlert:a"]["validTo"]["@value"] == "2026-03-01T11:30:00Z"


def replaying(kind: str, identifier: str, sent: str, *, status: str = "Actual", of: str = "") -> bytes:
    """An alert, or one that replaces `of`."""
    body = ALERT.format(kind=kind, references=f"s,{of},{sent}" if of else "", area="")
    body = body.replace("<identifier>a<", f"<identifier>{identifier}<").replace("Actual", status)
    return body.replace("2026-03-01T12:00:00+01:00</sent>", f"{sent}</sent>").encode()


def replaced(codec: CapCodec, body: bytes, shift: timedelta | None = None) -> str | None:
    [message] = codec.decode(Parcel(body, NOW, shift=shift))
    assert not isinstance(message, DecodeFault)
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
