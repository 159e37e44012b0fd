"""Recordings, dead letters and rules in the terminal, against a running city with the house's packs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.conftest import write_city
from cli.conftest import run, wait_until_up

MAPPING = """
says: Levels of test gauges
id: "urn:ngsi-ld:WaterObserved:{gauge}"
type: WaterObserved
time: time
attributes:
  waterLevel: { from: level, unit: CMT, min: 0, max: 2000 }
"""

RULE = """
id: test-flood
version: 1
title: {de: Flut, en: Flood}
type: WaterObserved
when: waterLevel > 900
severity: high
category: naturalDisaster
message: {de: "{waterLevel} cm", en: "{waterLevel} cm"}
"""

FEED = """
[feeds.gauges]
connector = "csv"
mapping = "mappings/gauges.yaml"
path = "recorded.csv"
speed = 0
"""

ROWS = (
    "gauge,time,level\na,2026-03-01T12:00:00Z,850\na,2026-03-01T13:00:00Z,950\nb,2026-03-01T12:00:00Z,lots\n"
)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running city with one recorded feed, of which one row cannot be used, and one rule."""
    city = write_city(tmp_path_factory.mktemp("feeds"), FEED)
    (city / "mappings").mkdir()
    (city / "rules").mkdir()
    (city / "mappings" / "gauges.yaml").write_text(MAPPING, encoding="utf-8")
    (city / "rules" / "flood.yaml").write_text(RULE, encoding="utf-8")
    (city / "recorded.csv").write_text(ROWS, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "rhinecloud", "up", "--city", str(city)], stdout=subprocess.DEVNULL
    )
    try:
        wait_until_up(city, process)
        yield city
    finally:
        process.terminate()
        process.wait(60)


def letters(city: Path) -> list[dict[str, str]]:
    page = json.loads(run("deadletters", "list", "--feed", "gauges", "--json", city=city).stdout)
    found: list[dict[str, str]] = page["items"]
    return found


def eventually(ask: object, seconds: float = 60) -> object:
    deadline = time.monotonic() + seconds
    while not (found := ask()) and time.monotonic() < deadline:  # type: ignore[operator]
        time.sleep(0.2)
    return found


def test_what_cannot_be_used_is_seen_retried_and_dropped(city: Path) -> None:
    letter = eventually(lambda: letters(city))[0]  # type: ignore[index]
    shown = run("deadletters", "show", letter["id"], city=city)
    assert b"lots" in shown.stdout
    assert (letter["times"], letter["last_received"]) == (1, "")
    listed = run("deadletters", "list", city=city).stdout.decode().splitlines()
    assert listed[0].split()[:4] == ["id", "last", "received", "times"]
    assert listed[1].split()[3] == "1"
    assert b"times" in shown.stdout
    assert b"lots" in run("deadletters", "show", letter["id"], "--raw", city=city).stdout
    again = run("deadletters", "replay", "gauges", "--json", city=city)
    assert again.returncode == 1
    assert json.loads(again.stdout)["accepted"] == 0
    assert json.loads(again.stdout)["kept"][0]["id"] == letter["id"]
    assert run("deadletters", "drop", letter["id"], city=city).returncode == 0
    assert letters(city) == []
    assert run("deadletters", "show", letter["id"], city=city).returncode == 5
    assert run("deadletters", "drop", city=city).returncode == 3
    assert run("deadletters", "replay", "nowhere", city=city).returncode == 5


def test_a_letter_that_does_not_exist_is_named(city: Path) -> None:
    done = run(
        "deadletters", "replay", "gauges", "--id", "gauges~999", "--id", "gauges~998", "--json", city=city
    )
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"accepted": 0, "kept": [], "missing": ["gauges~999", "gauges~998"]}


def test_a_recording_is_replayed_through_a_feed(city: Path, tmp_path: Path) -> None:
    recording = tmp_path / "more.csv"
    recording.write_text(
        "gauge,time,level\n" + "".join(f"r{n},2026-03-01T12:00:00Z,{n}\n" for n in range(700)),
        encoding="utf-8",
    )
    done = run("replay", str(recording), "--feed", "gauges", "--speed", "0", "--json", city=city)
    assert done.returncode == 0, done.stderr.decode()
    counts = json.loads(done.stdout)
    assert (counts["received"], counts["accepted"], counts["dead"]) == (700, 700, 0)
    assert run("export", city=city).stdout.count(b"urn:ngsi-ld:WaterObserved:r") == 700


def test_a_replay_says_what_it_could_not_use(city: Path, tmp_path: Path) -> None:
    recording = tmp_path / "bad.csv"
    recording.write_text("gauge,time,level\nx,2026-03-01T12:00:00Z,deep\n", encoding="utf-8")
    options = ("--connector", "csv", "--mapping", "mappings/gauges.yaml", "--speed", "0")
    done = run("replay", str(recording), *options, city=city)
    assert done.returncode == 1
    assert b"deep" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), b"--connector"),
        (("--feed", "none"), b"unknown feed"),
        (("--connector", "aos", "--mapping", "x"), b"aos"),
    ],
)
def test_a_replay_that_makes_no_sense_ends_with_3(city: Path, options: tuple[str, ...], said: bytes) -> None:
    done = run("replay", str(city / "recorded.csv"), *options, city=city)
    assert done.returncode == 3
    assert said in done.stderr


def test_rules_are_listed_with_what_they_did(city: Path) -> None:
    def fired() -> bool:
        found = json.loads(run("rules", "list", "--json", city=city).stdout)["items"]
        return any(rule["id"] == "test-flood" and rule["fired"] for rule in found)

    assert eventually(fired)
    assert b"test-flood" in run("rules", "list", city=city).stdout
    assert json.loads(run("status", "--json", city=city).stdout)["alerts_active"] >= 1


def test_a_rule_is_tested_on_a_recording(city: Path, tmp_path: Path) -> None:
    recording = tmp_path / "levels.ndjson"
    lines = [
        {
            "id": "urn:ngsi-ld:WaterObserved:t",
            "type": "WaterObserved",
            "waterLevel": {"value": level, "unitCode": "CMT", "observedAt": f"2026-03-01T1{hour}:00:00Z"},
        }
        for hour, level in enumerate((850, 950, 800))
    ]
    recording.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    rule = str(city / "rules" / "flood.yaml")
    done = run("rules", "test", str(recording), "--rule", rule, "--json", city=city)
    assert [each["kind"] for each in json.loads(done.stdout)["outcomes"]] == ["raised", "resolved"]
    assert b"950" in run("rules", "test", str(recording), "--rule", rule, city=city).stdout
    assert run("rules", "check", rule, city=city).returncode == 0


def test_a_mapping_is_tried_on_a_sample_without_a_running_city(tmp_path: Path) -> None:
    (tmp_path / "city.toml").write_text("[city]\nname = 'Testville'\n", encoding="utf-8")
    mapping, sample = tmp_path / "box.yaml", tmp_path / "message.json"
    mapping.write_text("id: urn:x:{id}\ntype: Box\nattributes: { pm10: { from: pm10, max: 100 } }\n")
    sample.write_text('[{"id": 1, "pm10": 5}, {"id": 2, "pm10": 500}]')
    done = run("mapping", "try", str(mapping), str(sample), "--json", city=tmp_path)
    assert done.returncode == 1, done.stderr.decode()
    outcome = json.loads(done.stdout)
    assert [each["id"] for each in outcome["entities"]] == ["urn:x:1"]
    assert outcome["rejected"] == ["mapping: pm10: 500 is above 100"]
    printed = run("mapping", "try", str(mapping), str(sample), city=tmp_path)
    assert b"urn:x:1" in printed.stdout
    assert b"rejected: mapping: pm10: 500 is above 100" in printed.stderr
    mapping.write_text("id: nothing\ntype: Box\nattributes: { pm10: pm10 }\n")
    assert run("mapping", "try", str(mapping), str(sample), city=tmp_path).returncode == 3
