"""The data folder of a city: held by one process at a time, and where that one leaves word for the command line."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rhinecloud.kernel.errors import Conflict, Unavailable

LOCK = "city.lock"
ACCESS = "access.json"


class InUse(Conflict):
    """Another process runs this city."""


@dataclass(frozen=True, slots=True)
class Access:
    """How the command line reaches the running city: its address and an administrator's token."""

    url: str
    token: str


class DataFolder:
    """Holds the lock of a data folder from `take` to `release`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    def take(self) -> None:
        """Make the folder where it is missing and hold it; raises InUse or Unavailable."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = (self.path / LOCK).open("a+", encoding="ascii")
        except OSError as error:
            raise Unavailable(f"the data folder {self.path} cannot be used: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise InUse(f"another process runs the city in {self.path}") from None
        self._lock = lock

    def release(self) -> None:
        """Let the folder go, where it was taken."""
        if self._lock is not None:
            (self.path / ACCESS).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def leave_access(self, access: Access) -> None:
        """Write down how to reach the city, readable by the owner of the process only."""
        partial = self.path / f"{ACCESS}.partial"
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"url": access.url, "token": access.token}, file)
        partial.replace(self.path / ACCESS)


def is_held(path: Path) -> bool:
    """Tell whether a process runs the city in a data folder."""
    try:
        with (path / LOCK).open("r", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def find_access(path: Path) -> Access | None:
    """Give how to reach the city that runs in a data folder, None where none runs; raises Unavailable."""
    if not is_held(path):
        return None
    try:
        found = json.loads((path / ACCESS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Unavailable("the city is starting or stopping; try again in a moment") from None
    except OSError as error:
        raise Unavailable(
            f"{path / ACCESS} cannot be read ({error.strerror}): run this as the city's user"
        ) from None
    return Access(url=found["url"], token=found["token"])
