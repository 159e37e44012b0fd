"""Indented JSON in responses: `prettyPrint=yes`, which other brokers know and the standard does not."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from typing import Any

from rhinecloud.broker.http.request import Send

SWITCH = b"prettyPrint="
"""In the query string of each request for indented JSON."""

SPACES = b"spaces="
WIDTHS = {b"%d" % width: width for width in range(1, 9)}
USUAL = b"2"

Scope = MutableMapping[str, Any]


def pretty_printed(scope: Scope, send: Send) -> tuple[Scope, Send]:
    """Return a request without `prettyPrint=yes|no` and `spaces=1…8`, and a `send` that indents JSON.

    Other values are left in the query string, and are refused like any unknown parameter.
    """
    pieces = scope["query_string"].split(b"&")
    rest = [piece for piece in pieces if not piece.startswith((SWITCH, SPACES))]
    switches = [piece.removeprefix(SWITCH) for piece in pieces if piece.startswith(SWITCH)]
    widths = [piece.removeprefix(SPACES) for piece in pieces if piece.startswith(SPACES)] or [USUAL]
    if switches[1:] or widths[1:] or switches[0] not in (b"yes", b"no") or widths[0] not in WIDTHS:
        return scope, send
    shorter = {**scope, "query_string": b"&".join(rest)}
    return shorter, (_indenting(send, WIDTHS[widths[0]]) if switches[0] == b"yes" else send)


def _indenting(send: Send, spaces: int) -> Send:
    async def send_indented(message: MutableMapping[str, Any]) -> None:
        if message.get("body"):
            text = json.dumps(json.loads(message["body"]), indent=spaces, ensure_ascii=False)
            message = {**message, "body": text.encode() + b"\n"}
        await send(message)

    return send_indented
