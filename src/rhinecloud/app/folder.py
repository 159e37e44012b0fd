"""The data folder of a city: locked by one process, which writes its address and a token for the command line."""

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
class CityAccess:
    """The address of the running city and an administrator's token, for the command line."""

    url: str
    token: str


class DataFolder:
    """Holds the lock of a data folder from `take` to `release`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    def take(self) -> None:
        """Create the folder where it is missing, and lock it; raise InUse or Unavailable."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = (self.path / LOCK).open("a+", encoding="ascii")
        except OSError as error:
            raise Unavailable(f"cannot use the data folder {self.path}: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise InUse(f"another process runs the city in {self.path}") from None
        self._lock = lock

    def release(self) -> None:
        """Unlock the folder, where it is locked."""
        if self._lock is not None:
            (self.path / ACCESS).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def write_access(self, access: CityAccess) -> None:
        """Write the access to the city, readable by the owner of the process only."""
        partial = self.path / f"{ACCESS}.partial"
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"url": access.url, "token": access.token}, file)
        partial.replace(self.path / ACCESS)


def is_held(path: Path) -> bool:
    """Return whether the city of a data folder is running."""
    try:
        with (path / LOCK).open("r", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def find_access(path: Path) -> CityAccess | None:
    """Return the access to the running city of a data folder, None where it is not running; raise Unavailable."""
    if not is_held(path):
        return None
    try:
        found = json.loads((path / ACCESS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Unavailable("the city is starting or stopping; try again in a moment") from None
    except OSError as error:
        raise Unavailable(
            f"cannot read {path / ACCESS} ({error.strerror}): run this as the city's user"
        ) from None
    return CityAccess(url=found["url"], token=found["token"])
