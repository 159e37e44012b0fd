"""What `city.toml` may say, and what is said back when it says something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from rhinecloud.app.sections import FEED, SECTIONS, read_city, read_feeds
from rhinecloud.app.settings import describe_settings
from rhinecloud.kernel.errors import Invalid


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


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"city\.toml: cannot be read"):
        read_city(tmp_path)


def test_an_unknown_key_of_a_feed_is_named_with_its_feed(tmp_path: Path) -> None:
    settings = read_city(write(tmp_path, '[feeds.rhine]\nconnectro = "ais"\n'))
    with pytest.raises(Invalid, match=r"feeds\.rhine\.connectro"):
        read_feeds(settings)


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
    assert read_feeds(settings)["rhine"].password == "hush"


def test_open_access_is_not_for_the_network(tmp_path: Path) -> None:
    text = '[identity]\naccess = "open"\n[server]\nhost = "0.0.0.0"\n'
    with pytest.raises(Invalid, match="makes everybody an administrator"):
        read_city(write(tmp_path, text))
    assert read_city(write(tmp_path, text + "allow_open_to_network = true\n")).server.host == "0.0.0.0"


def test_the_data_folder_lies_in_the_citys_folder_by_default(tmp_path: Path) -> None:
    assert read_city(write(tmp_path, "")).data == tmp_path / "data"


def test_every_setting_says_what_it_is_for() -> None:
    settings = describe_settings({**SECTIONS, "feeds.<name>": FEED})
    assert len(settings) > 50
    assert [f"{each.section}.{each.name}" for each in settings if not each.says] == []
