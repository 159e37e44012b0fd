"""The actor: every read and write of the city's state names the person, machine or part that asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What an account or token is for; `policy` says what each may do."""

    ADMIN = "admin"
    OPERATOR = "operator"
    AGENCY = "agency"
    READER = "reader"
    PARTNER = "partner"
    DEVICE = "device"
    PACK = "pack"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a machine or a part of the system.

    `agency` is an agency's entity id or ''; `purpose` is what the request is for, as it states it, or ''.
    """

    id: str
    name: str
    roles: frozenset[Role]
    agency: str = ""
    tenant: str = ""
    purpose: str = ""

    def __hash__(self) -> int:
        """Return the hash of the id alone, because every read looks something up by its actor."""
        return hash(self.id)

    def has(self, role: Role) -> bool:
        """Return whether the actor holds `role`."""
        return role in self.roles


def part(name: str) -> Actor:
    """Return the actor that stands for a part, such as `risk`, in the log of changes."""
    return Actor(id=f"part:{name}", name=name, roles=frozenset({Role.SYSTEM}))
