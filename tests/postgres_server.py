"""A throw-away PostgreSQL with PostGIS for tests: its own folder, its own socket, gone afterwards."""

from __future__ import annotations

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

TEMPLATE = "city_template"


def programs() -> Path | None:
    """Give the folder of the newest PostgreSQL's programs that has PostGIS, None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]))
    alone = shutil.which("initdb")
    folders = [each.parent for each in found] + ([Path(alone).resolve().parent] if alone else [])
    for folder in reversed(folders):
        share = subprocess.run(
            [folder / "pg_config", "--sharedir"], capture_output=True, text=True, check=False
        )
        if (Path(share.stdout.strip()) / "extension" / "postgis.control").exists():
            return folder
    return None


class Server:
    """One cluster in a temporary folder, from `start` to `remove`; `durable` flushes as in production."""

    def __init__(self, *, durable: bool = False, initdb: Sequence[str] = ()) -> None:
        found = programs()
        assert found is not None
        self._programs = found
        self.folder = Path(tempfile.mkdtemp(prefix="rhinecloud-pg-"))
        self._durable = durable
        self._user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        self.give(self.folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._run(
            "initdb",
            "-D",
            str(self._data),
            "-A",
            "trust",
            "-U",
            "postgres",
            "-N",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            *initdb,
        )

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """The number of the server's first process."""
        assert self._process is not None
        return self._process.pid

    def url(self, database: str = TEMPLATE) -> str:
        """Give the address of a database."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.folder), safe='')}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = {
            "listen_addresses": "", "unix_socket_directories": str(self.folder), "max_connections": "100",
            "shared_buffers": "64MB", "logging_collector": "off", "log_min_messages": "fatal",
            "fsync": "on" if self._durable else "off", "full_page_writes": "on" if self._durable else "off",
        }  # fmt: skip
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *options],
                stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - one call of the system, no locks
                **self._as_user(),
            )  # fmt: skip
        until = time.monotonic() + 60
        while self._run("pg_isready", "-q", "-h", str(self.folder), check=False):
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()[-500:]}")
            time.sleep(0.05)

    def prepare(self) -> None:
        """Make the database from which each test's own is copied."""
        self.sql(f"CREATE DATABASE {TEMPLATE}", "postgres")
        self.sql("CREATE EXTENSION postgis", TEMPLATE)

    def make_database(self, tablespace: str = "pg_default") -> str:
        """Make a fresh database with PostGIS; give its address."""
        name = f"city_{secrets.token_hex(6)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} TABLESPACE {tablespace}", "postgres")
        return self.url(name)

    def make_folder(self, name: str) -> Path:
        """Make a folder that the server may use."""
        folder = self.folder / name
        folder.mkdir()
        self.give(folder)
        return folder

    def give(self, folder: Path) -> None:
        """Make the server own a folder."""
        if self._user:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)

    def drop_database(self, url: str) -> None:
        """Drop a database that `make_database` made, whoever is connected to it."""
        name = url.partition("@/")[2].partition("?")[0]
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", "postgres")

    def sql(self, text: str, database: str) -> None:
        """Run a statement."""
        self._run(
            "psql",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            str(self.folder),
            "-U",
            "postgres",
            "-d",
            database,
            "-c",
            text,
        )

    def kill(self) -> None:
        """Kill the server and all its processes, as a power cut would."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for child in _children_of(self._data):
            os.kill(child, signal.SIGKILL)

    def remove(self) -> None:
        """End the server at once and delete its folder."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        done = subprocess.run(
            [self._programs / program, *arguments],
            capture_output=True,
            cwd=self.folder,
            check=False,
            **self._as_user(),
        )
        if check and done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.decode()[-500:]}")
        return done.returncode

    def _as_user(self) -> dict[str, object]:
        return (
            {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if self._user else {}
        )


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Run a server until the block ends; nothing of it is left then."""
    try:
        server.start()
        server.prepare()
        yield server
    finally:
        server.remove()


def _end_with_parent() -> None:
    """Let the server end at once when the tests are killed (Linux: PR_SET_PDEATHSIG); elsewhere it would stay."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def _children_of(data: Path) -> list[int]:
    """List processes that still have their work in the data folder: each backend is a session leader of its own."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if (each / "cwd").readlink() == data:
                found.append(int(each.name))
        except OSError:
            continue
    return found
