"""What a part contributes to authorization: Cedar actions, protected entity types, and a policy fragment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ActionRight:
    """A Cedar action: `name` as it stands in policies, and one sentence of what it permits."""

    name: str
    summary: str


@dataclass(frozen=True, slots=True)
class ProtectedType:
    """An entity type (an IRI) that its part alone writes.

    `create`, `update` and `delete` name what others use instead of writing the entity: actions, or a setting. A refusal
    names it.
    """

    iri: str
    create: str = ""
    update: str = ""
    delete: str = ""

    def instead_of(self, action: str) -> str:
        """Return what is used instead of a core action, '' for nothing."""
        return {"create": self.create, "update": self.update, "delete": self.delete}.get(action, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """`protected` are entity types that the part alone writes; `policy` is Cedar text that permits the actions.

    Nobody else creates, changes or deletes entities of protected types, administrators included; partners and devices
    do not read them, either. A `forbid` of the city's own policies overrides every `permit` here.
    """

    actions: tuple[ActionRight, ...] = ()
    protected: tuple[ProtectedType, ...] = ()
    policy: str = ""
