"""What a part contributes to authorization: Cedar actions, protected entity types, and a policy fragment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ActionRight:
    """A Cedar action: `name` as it stands in policies, and one sentence of what it permits."""

    name: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """`protected` are IRIs of entity types that the part alone writes; `policy` is Cedar text that permits the actions.

    Partners and devices neither read nor write entities of protected types. A `forbid` of the city's own policies
    overrides every `permit` here.
    """

    actions: tuple[ActionRight, ...] = ()
    protected: frozenset[str] = frozenset()
    policy: str = ""
