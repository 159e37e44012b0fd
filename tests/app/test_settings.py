"""What `city.toml` may say, and what is said back when it says something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from rhinecloud.app.parts import find_parts
from rhinecloud.app.sections import read_city, sections_of, tables_of
from rhinecloud.app.settings import describe_settings
from rhinecloud.connectors.part import read_feeds
from rhinecloud.kernel.errors import Invalid

PARTS = find_parts().loaded


def write(folder: Path, text: str) -> Path:
    (folder / "city.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[ctiy]\n", "ctiy"),
        ('[city]\ncolour = "red"\n', "city.colour"),
        ('[server]\nport = "eighty"\n', "server.port"),
        ("[city]\nbbox = [1, 2, 3]\n", "city.bbox"),
        ('[identity]\naccess = "closed"\n', "identity.access"),
        ("city = 3\n", "city"),
        ("feeds = 3\n", "feeds"),
        ("[agencies]\nid = 3\n", "agencies"),
        ("[city\n", "city.toml"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_city(write(tmp_path, text))
    assert refusal.value.field.endswith(place)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("[server]\nport = 99999\n", "server.port", "must be a port, 0 to 65,535, not 99999"),
        ('[server]\nport = "eighty"\n', "server.port", "must be a whole number, not 'eighty'"),
        ('[city]\ntimezone = "Mars/Olympus"\n', "city.timezone", "must be a time zone"),
        ('[city]\ntimezone = "Europe/Berln"\n', "city.timezone", "did you mean `Europe/Berlin`"),
        ("[city]\nbbox = [6.9, 51.3, 6.6, 51.6]\n", "city.bbox", "west (6.9) must be west of east (6.6)"),
        ("[city]\nbbox = [6.6, 51.6, 6.9, 51.3]\n", "city.bbox", "must be south of north"),
        ("[city]\nbbox = [6.6, 51.3, 6.9, 95]\n", "city.bbox", "the latitude must be -90 to 90, not 95"),
        ("[city]\ncentre = [200, 51]\n", "city.centre", "the longitude must be -180 to 180, not 200"),
        (
            "[city]\nbbox = [6.6, 51.3, 6.9, 51.6]\ncentre = [51.4, 6.7]\n",
            "city.centre",
            "must be within `bbox`",
        ),
        ('[city]\nbbox = [6.6, "51", 6.9, 52]\n', "city.bbox[1]", "must be a number"),
        ('[city]\nnmae = "X"\n', "city.nmae", "did you mean `name`"),
        ("[srever]\nport = 1\n", "srever", "did you mean `server`"),
        ("[risk]\ntick_s = -1\n", "risk.tick_s", "must be more than 0"),
        ("[relay]\nkeep_s = -1\n", "relay.keep_s", "must be 0 or more"),
        ("[relay]\nkeep_s = nan\n", "relay.keep_s", "must be a finite number"),
        ('[server]\npublic_url = "city.example"\n', "server.public_url", "begins with https://"),
        ('[server]\npublic_url = "https://"\n', "server.public_url", "an address"),
        ('[stream]\nurl = "http://nats"\n', "stream.url", "nats://"),
        (
            '[city]\ntiles_url = "https://tiles.example/{z}"\n',
            "city.tiles_url",
            "must contain {z}, {x} and {y}",
        ),
        ('[server]\ntls_key = "k.pem"\n', "server.tls_certificate", "both a certificate and its key"),
        ("[server]\nport = 1883\n", "stream.mqtt_port", "must not be 1883, which is server.port"),
        ("[simulator]\nenabled = true\n", "simulator.scenario", "must be an existing file"),
        ('[simulator]\nais_address = "10110"\n', "simulator.ais_address", "a host and a port"),
        ('[stream]\ncredentials = "none.creds"\n', "stream.credentials", "must be an existing file"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_the_reason(
    tmp_path: Path, text: str, place: str, says: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        read_city(write(tmp_path, text))
    assert refusal.value.field == place
    assert says in refusal.value.reason


def test_all_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    text = '[server]\nport = 99999\nprot = 1\n[city]\ntimezone = "Mars"\nbbox = [1, 2, 3]\n[ctiy]\n'
    with pytest.raises(Invalid) as refusal:
        read_city(write(tmp_path, text))
    places = {each.field for each in refusal.value.faults}
    assert places == {"ctiy", "server.prot", "server.port", "city.timezone", "city.bbox"}
    assert str(refusal.value).count("\n") == 4


def test_a_fault_has_its_place_in_the_file(tmp_path: Path) -> None:
    text = "[server]\nport = 1883\n[stream]\nmqtt_port = 1883\n[ctiy]\n[risk]\ntick_s = nan\n"
    with pytest.raises(Invalid) as refusal:
        read_city(write(tmp_path, text))
    assert [str(each) for each in refusal.value.faults] == [
        "city.toml, line 5, column 2: ctiy: unknown section; did you mean `city`?",
        "city.toml, line 7, column 10: risk.tick_s: must be a finite number",
        "city.toml, line 4, column 13: stream.mqtt_port: must not be 1883, which is server.port",
    ]
    (tmp_path / "city.toml").write_text("[server\n", encoding="utf-8")
    with pytest.raises(Invalid, match=r"city\.toml, line 1, column 8: this is not TOML: "):
        read_city(tmp_path)


def test_a_fault_of_a_feed_has_its_place_too(tmp_path: Path) -> None:
    settings = read_city(write(tmp_path, '[feeds.rhine]\ninterval_s = "x"\n'))
    with pytest.raises(
        Invalid, match=r"city\.toml, line 2, column 15: feeds\.rhine\.interval_s: must be a number"
    ):
        read_feeds(settings.tables["feeds"])


def test_an_area_may_cross_the_antimeridian(tmp_path: Path) -> None:
    city = read_city(write(tmp_path, "[city]\nbbox = [179.0, -18.0, -178.0, -16.0]\n")).city
    assert city.middle() == (-179.5, -17.0)


def test_flags_are_held_to_the_same_limits(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"server\.port: must be a port"):
        read_city(write(tmp_path, ""), {"server": {"port": 99999}})


def test_lists_of_numbers_are_read_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RHINECLOUD_CITY_BBOX", "6.6, 51.3, 6.9, 51.6")
    assert read_city(write(tmp_path, "")).city.bbox == (6.6, 51.3, 6.9, 51.6)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"city\.toml: cannot read the file"):
        read_city(tmp_path)


def test_an_unknown_key_of_a_feed_is_named_with_its_feed(tmp_path: Path) -> None:
    settings = read_city(write(tmp_path, '[feeds.rhine]\nconnectro = "ais"\n'))
    with pytest.raises(Invalid, match=r"feeds\.rhine\.connectro"):
        read_feeds(settings.tables["feeds"])


def test_the_environment_outweighs_the_file_and_flags_outweigh_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path, "[server]\nport = 1000\n")
    assert read_city(folder).server.port == 1000
    monkeypatch.setenv("RHINECLOUD_SERVER_PORT", "2000")
    assert read_city(folder).server.port == 2000
    assert read_city(folder, {"server": {"port": 3000, "host": None}}).server.port == 3000


def test_a_secret_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n", encoding="utf-8")
    monkeypatch.setenv("RHINECLOUD_FEEDS_RHINE_PASSWORD_FILE", str(secret))
    settings = read_city(write(tmp_path, '[feeds.rhine]\nconnector = "mqtt"\n'))
    assert read_feeds(settings.tables["feeds"])["rhine"].password == "hush"


def test_open_access_is_not_for_the_network(tmp_path: Path) -> None:
    text = '[identity]\naccess = "open"\n[server]\nhost = "0.0.0.0"\n'
    with pytest.raises(Invalid, match="every client is an administrator"):
        read_city(write(tmp_path, text))
    assert read_city(write(tmp_path, text + "allow_open_to_network = true\n")).server.host == "0.0.0.0"


def test_the_data_folder_lies_in_the_citys_folder_by_default(tmp_path: Path) -> None:
    assert read_city(write(tmp_path, "")).data == tmp_path / "data"


def test_every_setting_says_what_it_is_for() -> None:
    settings = describe_settings({**sections_of(PARTS), "feeds.<name>": tables_of(PARTS)["feeds"]})
    assert len(settings) > 50
    assert [f"{each.section}.{each.name}" for each in settings if not each.says] == []


@pytest.mark.parametrize("centre", ["[179.9, 0]", "[-179.9, 0]"])
def test_the_middle_of_an_area_across_the_antimeridian_lies_on_either_side(
    tmp_path: Path, centre: str
) -> None:
    read_city(write(tmp_path, f"[city]\nbbox = [179.5, -1, -179.5, 1]\ncentre = {centre}\n"))
