"""One line of the audit trail."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from rhinecloud.kernel.actor import Actor


class Outcome(StrEnum):
    """What became of an act."""

    DONE = "done"
    FAILED = "failed"
    """It was permitted, and could not be done."""
    DENIED = "denied"
    """The policy, or who asked, did not permit it."""


class AuditEntry(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Who did what to what, when, from where, and what became of it.

    `time` is ISO 8601 in UTC. `actor` is the id, '' for a caller who is not signed in. `request_id` is that of the
    access log and of the answer. A line with a `count` stands for so many equal refusals or failures, from `time` to
    `until`.
    """

    time: str
    action: str
    outcome: Outcome
    actor: str = ""
    name: str = ""
    roles: tuple[str, ...] = ()
    resource: str = ""
    reason: str = ""
    request_id: str = ""
    address: str = ""
    count: int = 1
    until: str = ""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AuditEntry)

LONGEST = 1_000
"""Characters of a text that comes from outside."""


def entry_of(
    time: str, actor: Actor | None, action: str, outcome: Outcome, resource: str = "", reason: str = ""
) -> AuditEntry:
    """Return an entry about an actor, None for a caller who is not signed in."""
    return AuditEntry(
        time=time,
        action=action,
        outcome=outcome,
        actor=actor.id if actor else "",
        name=actor.name[:LONGEST] if actor else "",
        roles=tuple(sorted(actor.roles)) if actor else (),
        resource=resource[:LONGEST],
        reason=reason[:LONGEST],
    )


def encode_entry(entry: AuditEntry) -> bytes:
    """Return an entry as a line."""
    return _encoder.encode(entry) + b"\n"


def decode_entry(line: bytes) -> AuditEntry | None:
    """Return the entry of a line, None where the line is broken: torn off by a crash, or changed by hand."""
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
