"""How a part's errors are shown: one row a kind of error, for the one table of the HTTP layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rhinecloud.kernel.errors import RhineCloudError


@dataclass(frozen=True, slots=True)
class ProblemFact:
    """An attribute of an error that becomes a member of the problem document; `type` is one of JSON Schema."""

    name: str
    type: Literal["string", "integer", "number", "boolean"]
    description: str

    def schema(self) -> dict[str, str]:
        """Return the JSON Schema of the member."""
        return {"type": self.type, "description": self.description}


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """Errors of `kind` are answered with HTTP `status`, the problem type `urn:rhinecloud:problem:<name>` and `title`.

    `facts` are attributes of the error that become members of the problem document (RFC 9457).
    """

    kind: type[RhineCloudError]
    status: int
    name: str
    title: str
    facts: tuple[ProblemFact, ...] = ()
