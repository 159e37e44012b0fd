"""The audit trail on a real disk: what is written, counted, found again, kept and deleted."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rhinecloud.audit import AuditEntry, AuditSettings, AuditTrail, Outcome
from rhinecloud.audit.reading import AuditFilter, read_page
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.request_id import CLIENT, REQUEST_ID

MEYER = Actor("urn:rhinecloud:account:meyer", "Frau Meyer", frozenset({Role.ADMIN}))
APP = Actor("urn:rhinecloud:token:app", "app", frozenset({Role.PARTNER}))


class HandClock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 2, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def trail(tmp_path: Path, clock: HandClock) -> Iterator[AuditTrail]:
    opened = AuditTrail(tmp_path / "audit", AuditSettings(keep_days=30, refusals_per_minute=5), clock)
    yield opened
    opened.close()


def entries(trail: AuditTrail, **wanted: str) -> list[AuditEntry]:
    """All entries, the oldest first."""
    return read_page(trail.folder, AuditFilter(**wanted), 10_000).entries[::-1]


def test_an_act_is_on_the_disk_when_it_was_recorded(trail: AuditTrail) -> None:
    REQUEST_ID.set(b"abc-1")
    CLIENT.set("192.0.2.7")
    trail.record(MEYER, "administer", "POST /api/v1/users fire-desk")
    trail.record(MEYER, "administer", "DELETE /api/v1/users/nobody", "there is no account 'nobody'")
    done, failed = entries(trail)
    assert done == AuditEntry(
        time="2026-11-02T12:00:00Z",
        action="administer",
        outcome=Outcome.DONE,
        actor=MEYER.id,
        name="Frau Meyer",
        roles=("admin",),
        resource="POST /api/v1/users fire-desk",
        request_id="abc-1",
        address="192.0.2.7",
    )
    assert (failed.outcome, failed.reason) == (Outcome.FAILED, "there is no account 'nobody'")


def test_only_the_owner_may_read_the_files(trail: AuditTrail) -> None:
    trail.record(MEYER, "administer")
    (path,) = trail.folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(trail.folder.stat().st_mode) == 0o700


def test_equal_refusals_are_counted_and_none_is_lost(trail: AuditTrail, clock: HandClock) -> None:
    for _ in range(1_000):
        trail.refuse(APP, "read", "urn:ngsi-ld:Incident:1")
        clock.forward(0.01)
    assert [each.count for each in entries(trail)] == [1]
    clock.forward(60)
    trail.refuse(APP, "read", "urn:ngsi-ld:Incident:1")
    first, rest, again = entries(trail)
    assert (first.count, rest.count, again.count) == (1, 999, 1)
    assert (rest.time[:19], rest.until[:19]) == ("2026-11-02T12:00:00", "2026-11-02T12:00:09")


def test_many_different_refusals_share_lines_and_none_is_lost(trail: AuditTrail, clock: HandClock) -> None:
    for number in range(10_000):
        trail.refuse(APP, "read", f"urn:ngsi-ld:Incident:{number}")
        trail.refuse(None, "sign_in", f"name{number}")
    trail.flush()
    found = entries(trail)
    assert sum(each.count for each in found) == 20_000
    assert len(found) < 20
    shared = {(each.actor, each.action): each.count for each in found if each.resource == "(various)"}
    assert shared.keys() == {(APP.id, "read"), ("", "sign_in")}


def test_many_different_callers_share_a_line_too(trail: AuditTrail) -> None:
    for number in range(5_000):
        trail.refuse(Actor(f"urn:x:{number}", "x", frozenset()), "read", "x")
    trail.flush()
    found = entries(trail)
    assert sum(each.count for each in found) == 5_000
    assert len(found) < 1_020


def test_equal_failures_are_counted_beside_equal_refusals(trail: AuditTrail) -> None:
    for _ in range(100):
        trail.record(MEYER, "incidents.close", "incident", "there is no incident urn:x")
        trail.refuse(MEYER, "incidents.close", "incident", "there is no incident urn:x")
    trail.flush()
    assert [(each.outcome, each.count) for each in entries(trail)] == [
        (Outcome.FAILED, 1),
        (Outcome.DENIED, 1),
        (Outcome.FAILED, 99),
        (Outcome.DENIED, 99),
    ]


def test_a_refusal_that_another_process_answers_is_not_recorded_here(trail: AuditTrail) -> None:
    with trail.mute():
        trail.refuse(APP, "read", "x")
    trail.refuse(APP, "read", "y")
    assert [each.resource for each in entries(trail)] == ["y"]


def test_acts_are_never_counted_together(trail: AuditTrail) -> None:
    for _ in range(50):
        trail.record(MEYER, "operate", "POST /api/v1/deadletters/1/retry")
    assert [each.count for each in entries(trail)] == [1] * 50


def test_what_is_still_counted_is_written_at_the_end(trail: AuditTrail) -> None:
    for _ in range(3):
        trail.refuse(APP, "read", "x")
    trail.close()
    assert [each.count for each in entries(trail)] == [1, 2]


def test_each_day_has_a_file_and_old_ones_go(trail: AuditTrail, clock: HandClock) -> None:
    for _ in range(40):
        trail.record(MEYER, "administer")
        clock.forward(86_400)
    assert trail._files.expire(clock.now.date(), 30) == 10
    days = sorted(path.stem for path in trail.folder.iterdir())
    assert (days[0], days[-1], len(days)) == ("2026-11-12", "2026-12-11", 30)
    assert len(entries(trail)) == 30


async def test_a_running_trail_counts_out_and_expires(tmp_path: Path, clock: HandClock) -> None:
    trail = AuditTrail(tmp_path, AuditSettings(keep_days=1), clock)
    (tmp_path / "2026-01-01.jsonl").write_text("{}\n")
    for _ in range(2):
        trail.refuse(APP, "read", "x")
    task = asyncio.create_task(trail.run())
    clock.forward(61)
    async with asyncio.timeout(60):
        while len(entries(trail)) < 2:
            await asyncio.sleep(0.05)
    task.cancel()
    assert [path.stem for path in tmp_path.iterdir()] == ["2026-11-02"]
    trail.close()


def test_a_torn_line_is_passed_over_and_the_next_begins_a_line(tmp_path: Path, clock: HandClock) -> None:
    for _ in range(2):
        trail = AuditTrail(tmp_path, AuditSettings(), clock)
        trail.record(MEYER, "administer", "whole")
        trail.close()
        with (tmp_path / "2026-11-02.jsonl").open("ab") as file:
            file.write(b'{"time":"2026-11-02T12:00:00Z","action":"admin')
    trail.record(MEYER, "administer", "whole")
    trail.close()
    assert [each.resource for each in entries(trail)] == ["whole"] * 3


def test_pages_follow_each_other_over_days_and_while_lines_come(trail: AuditTrail, clock: HandClock) -> None:
    for number in range(250):
        trail.record(MEYER, "administer", str(number))
        clock.forward(3_600)
    seen: list[str] = []
    cursor = ""
    while True:
        page = read_page(trail.folder, AuditFilter(), 100, cursor)
        seen += [each.resource for each in page.entries]
        trail.record(MEYER, "administer", "later")
        cursor = page.next
        if not cursor:
            break
    assert seen == [str(number) for number in reversed(range(250))]


def test_entries_are_found_by_who_what_outcome_and_time(trail: AuditTrail, clock: HandClock) -> None:
    trail.record(MEYER, "administer", "one")
    clock.forward(0.5)
    trail.record(MEYER, "operate", "two", "broken")
    clock.forward(60)
    trail.refuse(APP, "read", "three")

    def found(**wanted: str) -> list[str]:
        return [each.resource for each in entries(trail, **wanted)]

    assert found(actor=MEYER.id) == found(actor="Frau Meyer") == ["one", "two"]
    assert found(action="read") == found(outcome="denied") == ["three"]
    assert found(outcome="failed") == ["two"]
    assert found(since="2026-11-02T12:00:00.1") == ["two", "three"]
    assert found(until="2026-11-02T12:00:00.1") == ["one"]
    with pytest.raises(Invalid, match="cursor"):
        read_page(trail.folder, AuditFilter(), 10, "yesterday")


def test_lines_longer_than_a_block_are_read(trail: AuditTrail) -> None:
    for number in range(200):
        trail.record(replace(MEYER, name="y" * 990), "administer", f"{number}" + "x" * 990)
    assert [each.resource[:3].strip("x") for each in entries(trail)] == [str(number) for number in range(200)]


def test_a_full_disk_is_said_and_does_not_stop_the_city(
    tmp_path: Path, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "audit").write_text("a file where the folder should be")
    trail = AuditTrail(tmp_path / "audit", AuditSettings(), clock)
    trail.record(MEYER, "administer")
    assert trail.lost == 1
    assert "a line of the audit trail cannot be written" in caplog.text
    trail.close()


WRITER = """
import sys
from pathlib import Path
from rhinecloud.audit import AuditSettings, AuditTrail
from rhinecloud.kernel.actor import part
from rhinecloud.kernel.time import utc_now
trail = AuditTrail(Path(sys.argv[1]), AuditSettings(), utc_now)
number = 0
while True:
    trail.record(part("writer"), "administer", str(number))
    print(number, flush=True)
    number += 1
"""


def test_what_was_recorded_survives_a_kill(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) == 500:
            break
    os.kill(process.pid, signal.SIGKILL)
    said = [500, *(int(line) for line in process.stdout if line.endswith("\n") and line.strip())]
    process.wait()
    kept = [int(each.resource) for each in read_page(tmp_path, AuditFilter(), 1_000_000).entries]
    assert kept[::-1] == list(range(len(kept)))
    assert len(kept) > said[-1]
