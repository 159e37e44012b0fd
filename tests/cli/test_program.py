"""Commands as an operator types them, against a city that runs and one that does not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from cli.conftest import Done, run, wait_until_up
from rhinecloud.cli.program import run as run_program
from rhinecloud.cli.reference import commands

NDJSON = b"".join(
    json.dumps(
        {"id": f"urn:ngsi-ld:Gauge:{n}", "type": "Gauge", "level": {"type": "Property", "value": n}}
    ).encode()
    + b"\n"
    for n in range(3)
)


def out(done: Done) -> str:
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_every_command_explains_itself_with_an_example() -> None:
    silent = [path for path, command in commands() if "Example: `rhinecloud" not in (command.help or "")]
    unexplained = [
        f"{path} {each.name}"
        for path, command in commands()
        for each in command.params
        if not getattr(each, "help", None)
    ]
    assert (silent, unexplained) == ([], [])


def test_version_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rhinecloud", "version", "--json"], capture_output=True, check=True
    )
    assert "version" in json.loads(done.stdout)


@pytest.mark.parametrize(
    ("broken", "arguments"),
    [
        *[("full", arguments) for arguments in (["version"], ["check"], ["check", "--json"])],
        *[("closed", arguments) for arguments in (["version"], ["check"], ["users", "--help"])],
    ],
)
def test_an_output_that_takes_nothing_ends_a_command_with_1_and_one_line(
    city: Path, arguments: list[str], broken: str
) -> None:
    command = [sys.executable, "-m", "rhinecloud", *arguments]
    environment = {**os.environ, "RHINECLOUD_CITY": str(city)}
    if broken == "full":
        with Path("/dev/full").open("wb") as output:
            done = subprocess.run(
                command, stdout=output, stderr=subprocess.PIPE, check=False, env=environment
            )
    else:
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False, env=environment)
        os.close(writing)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "error: cannot write the output: "
        + ("No space left on device" if broken == "full" else "Broken pipe")
    ]


def test_main_ends_the_process_with_its_code_and_loses_no_output() -> None:
    """It does not wait until Python has taken every object apart: that takes a city's process seconds."""
    program = (
        "import atexit; from rhinecloud.cli import main; atexit.register(print, 'taken apart');"
        "main(['version']) if {!r} == 'good' else main(['nonsense'])"
    )
    for case, code in (("good", 0), ("bad", 2)):
        done = subprocess.run([sys.executable, "-c", program.format(case)], capture_output=True, check=False)
        assert done.returncode == code
        assert b"taken apart" not in done.stdout
        assert (case == "good") == done.stdout.startswith(b"rhinecloud ")


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["users", "add"], ["tokens", "add", "x", "--role", "king"]]
)
def test_a_command_line_that_is_not_understood_ends_with_2(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "rhinecloud", *arguments], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_check_says_that_all_is_well(city: Path) -> None:
    assert "no problems found" in out(run("check", city=city))


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("city.toml", "[ctiy]\n", "unknown section"),
        ("city.toml", '[feeds.rhine]\nconnector = "aos"\nmapping = "x"\n', "feeds.rhine"),
        ("city.toml", '[city]\npacks = ["missing"]\n', "is not installed"),
        ("rules/broken.yaml", "id: [\n", "broken.yaml"),
        ("policies/broken.cedar", "permit (", "policies"),
        ("context.jsonld", "{", "context.jsonld"),
    ],
)
def test_check_names_what_is_wrong_and_ends_with_3(city: Path, file: str, text: str, said: str) -> None:
    (city / file).parent.mkdir(exist_ok=True)
    (city / file).write_text(text, encoding="utf-8")
    done = run("check", city=city)
    assert done.returncode == 3
    assert said in done.stdout.decode()
    assert any(said in finding["problem"] for finding in json.loads(run("check", "--json", city=city).stdout))


def test_check_names_all_that_is_wrong_in_one_run(city: Path) -> None:
    (city / "city.toml").write_text(
        """
[server]
port = 99999
[feeds.levels]
connector = "pegelonlin"
mapping = "gauges"
interval_s = -5
[feeds.air]
connector = "json"
mapping = "air.yaml"
url = "ftp://h/x"
area = [6.9, 51.3, 6.6, 51.6]
[[agencies]]
id = "Fire Brigade"
name = "x"
""",
        encoding="utf-8",
    )
    (city / "air.yaml").write_text("id: urn:x:{a}\ntyp: T\n", encoding="utf-8")
    (city / "rules").mkdir()
    (city / "rules" / "bad.yaml").write_text("id: x\nwhen: 1 +\n", encoding="utf-8")
    (city / "layers").mkdir()
    (city / "layers" / "bad.json").write_text('{"id": "bad"}', encoding="utf-8")
    (city / "policies").mkdir()
    done = run("check", "--json", city=city)
    assert done.returncode == 3
    found = {each["field"]: each["reason"] for each in json.loads(done.stdout) if each["problem"]}
    assert found["server.port"] == "must be a port, 0 to 65,535, not 99999"
    assert found["feeds.levels.interval_s"] == "must be more than 0, not -5.0"
    assert "air.yaml, line 2, column 1: typ: unknown key; did you mean `type`?" in found["feeds.air.mapping"]
    assert "must begin with one of http, https" in found["feeds.air.url"]
    assert "must be a short name" in found["agencies[0].id"]
    said = [each["problem"] for each in json.loads(done.stdout)]
    assert any(each.startswith("rules/bad.yaml, line") for each in said)
    assert "city.toml, line 12, column 8: feeds.air.area: west (6.9) must be west of east (6.6)" in said
    assert any(each.startswith("layers/bad.json, line") for each in said)


def test_check_names_variables_of_the_environment_that_nobody_reads(
    city: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RHINECLOUD_SERVER_PROT", "1")
    done = run("check", "--json", city=city)
    [problem] = [each["problem"] for each in json.loads(done.stdout) if each["problem"]]
    assert problem == "RHINECLOUD_SERVER_PROT: unknown variable; did you mean `RHINECLOUD_SERVER_PORT`?"


def test_a_rule_file_is_checked_where_no_city_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RHINECLOUD_CITY", raising=False)
    rule = "id: hot\ntype: AirQualityObserved\nwhen: temperatur > 35\nseverity: low\n"
    (tmp_path / "hot.yaml").write_text(rule, encoding="utf-8")
    assert run_program(["rules", "check", "hot.yaml"]) == 3
    said = capsys.readouterr()
    assert "hot.yaml, line 3, column 7: when: no attribute `temperatur` is known" in said.out
    assert "no city.toml here" in said.err
    (tmp_path / "hot.yaml").write_text(rule.replace("temperatur", "temperature"), encoding="utf-8")
    assert run_program(["rules", "check", "hot.yaml"]) == 0


def test_commands_that_need_a_running_city_end_with_4(city: Path) -> None:
    for command in (["status"], ["deadletters", "list"], ["rules", "list"]):
        done = run(*command, city=city)
        assert done.returncode == 4
        assert b"is not running" in done.stderr


def test_accounts_are_kept_whether_the_city_runs_or_not(city: Path) -> None:
    made = json.loads(out(run("users", "add", "meyer", "--role", "operator", "--json", city=city)))
    assert made["one_time_password"]
    assert run("users", "add", "meyer", "--role", "reader", city=city).returncode == 6
    assert run("users", "remove", "nobody", city=city).returncode == 5
    process = subprocess.Popen(
        [sys.executable, "-m", "rhinecloud", "up", "--city", str(city)], stdout=subprocess.DEVNULL
    )
    try:
        wait_until_up(city, process)
        users = json.loads(out(run("users", "list", "--json", city=city)))
        assert [user["name"] for user in users] == ["admin", "meyer"]
        out(run("users", "passwd", "meyer", city=city))
        out(run("users", "remove", "meyer", city=city))
        assert run("users", "remove", "admin", city=city).returncode == 6
    finally:
        process.terminate()
        assert process.wait(10) == 0
    assert "meyer" not in out(run("users", "list", city=city))


def test_a_token_is_shown_once_and_revoked(running: Path) -> None:
    made = json.loads(
        out(run("tokens", "add", "gauges", "--role", "partner", "--days", "2", "--json", city=running))
    )
    assert made["secret"].startswith("rct_")
    assert made["token"]["expires_at"]
    assert made["secret"] not in out(run("tokens", "list", city=running))
    out(run("tokens", "revoke", "gauges", city=running))
    assert run("tokens", "revoke", "gauges", city=running).returncode == 5


def test_what_is_exported_comes_back_by_import(running: Path, tmp_path: Path) -> None:
    assert json.loads(out(run("import", "--json", city=running, stdin=NDJSON)))["accepted"] == 3
    target = tmp_path / "all.ndjson"
    out(run("export", str(target), city=running))
    lines = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    gauges = [line for line in lines if "Gauge" in line["id"]]
    assert len(gauges) == 3
    assert all(line["createdAt"] and line["type"] for line in gauges)
    assert out(run("export", city=running)).count("\n") == len(lines)
    assert json.loads(out(run("import", str(target), "--json", city=running)))["refused"] == []


def test_no_tenant_is_exported_that_is_not_there(running: Path) -> None:
    assert run("export", "--tenant", "nobody", city=running).returncode == 5


def test_an_import_counts_what_was_refused(running: Path) -> None:
    done = run("import", "--json", city=running, stdin=b'{"id": "no uri", "type": "Gauge"}\n' + NDJSON)
    assert done.returncode == 1
    counts = json.loads(done.stdout)
    assert (counts["accepted"], len(counts["refused"])) == (3, 1)


def test_an_import_names_the_line_that_is_no_json(city: Path) -> None:
    done = run("import", city=city, stdin=NDJSON + b"{\n")
    assert done.returncode == 3
    assert b"line 4" in done.stderr


def test_a_backup_of_a_running_city_is_restored(running: Path, tmp_path: Path) -> None:
    out(run("import", city=running, stdin=NDJSON))
    archive = tmp_path / "city.tar"
    manifest = json.loads(out(run("backup", str(archive), "--json", city=running)))
    assert {file["name"] for file in manifest["files"]} == {"city.db", "history.db"}
    assert archive.stat().st_mode & 0o077 == 0
    assert run("backup", str(archive), city=running).returncode == 6
    assert run("restore", str(archive), city=running).returncode == 6
    other = tmp_path / "other"
    other.mkdir()
    (other / "city.toml").write_text((running / "city.toml").read_text(encoding="utf-8"), encoding="utf-8")
    out(run("restore", str(archive), city=other))
    assert out(run("export", city=other)).count("urn:ngsi-ld:Gauge:") == 3
    assert [user["name"] for user in json.loads(out(run("users", "list", "--json", city=other)))] == ["admin"]
    assert run("restore", str(archive), city=other).returncode == 6
    kept = json.loads(out(run("restore", str(archive), "--force", "--json", city=other)))["kept"]
    assert (Path(kept) / "city.db").exists()


def test_a_backup_that_was_changed_is_refused(city: Path, tmp_path: Path) -> None:
    archive, changed = tmp_path / "city.tar", tmp_path / "changed.tar"
    out(run("backup", str(archive), city=city))
    # `tarfile` has its filters only from Python 3.11.4 on.
    shutil.unpack_archive(archive, tmp_path / "inside")
    with (tmp_path / "inside" / "city.db").open("ab") as file:
        file.write(b"x")
    with tarfile.open(changed, "w") as tar:
        for path in (tmp_path / "inside").iterdir():
            tar.add(path, arcname=path.name)
    other = tmp_path / "other"
    other.mkdir()
    (other / "city.toml").write_text("", encoding="utf-8")
    done = run("restore", str(changed), city=other)
    assert done.returncode == 3
    assert b"is damaged" in done.stderr
    assert not (other / "data").exists()


def test_up_says_where_it_is_and_how_to_get_in_and_ends_on_a_signal(city: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "rhinecloud", "up", "--city", str(city), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_until_up(city, process)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors.decode()
    text = said.decode()
    assert "http://127.0.0.1:" in text
    assert "sign in as admin with" in text
    assert "stopped in" in text
    assert errors == b""


def test_up_with_open_access_says_so_loudly(city: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "rhinecloud", "up", "--city", str(city), "--access", "open"],
        stdout=subprocess.PIPE,
    )
    wait_until_up(city, process)
    status = json.loads(out(run("status", "--json", city=city)))
    assert status["access"] == "open"
    assert "access is open" in out(run("status", city=city))
    process.terminate()
    said, _ = process.communicate(timeout=60)
    assert b"ACCESS IS OPEN" in said


def test_open_access_is_not_started_for_the_network(city: Path) -> None:
    done = run("up", "--access", "open", "--host", "0.0.0.0", city=city)
    assert done.returncode == 3
    assert b"administrator" in done.stderr


def test_a_second_city_in_the_same_folder_is_refused(running: Path) -> None:
    done = run("up", city=running)
    assert done.returncode == 6
    assert b"another process runs" in done.stderr
