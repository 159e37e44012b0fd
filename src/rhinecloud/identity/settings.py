"""Section `[identity]`: how people and machines authenticate."""

from __future__ import annotations

from dataclasses import dataclass

from rhinecloud.kernel.checks import between, more_than, one_of
from rhinecloud.kernel.settings import setting

ACCESS = ("accounts", "open")


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """Settings of sign-in and sessions."""

    access: str = setting(
        "accounts",
        "`accounts`: everyone signs in. `open`: every client of the port is an administrator; for tests only.",
        check=one_of(*ACCESS),
    )
    session_idle_s: float = setting(
        8 * 3600.0, "A person's session ends after this long without a request.", unit="s", check=more_than(0)
    )
    session_absolute_s: float = setting(
        24 * 3600.0, "A person's session ends after this long in any case.", unit="s", check=more_than(0)
    )
    attempts: int = setting(
        5, "Failed sign-ins of a name before it is locked.", unit="sign-ins", check=more_than(0)
    )
    lockout_s: float = setting(
        60.0, "Duration of the first lock of a name; each further failure doubles it.", unit="s"
    )
    password_length: int = setting(
        10, "Minimum length of a password.", unit="characters", check=between(8, 256)
    )

    @property
    def open(self) -> bool:
        """Return whether access is open to everyone."""
        return self.access == "open"
