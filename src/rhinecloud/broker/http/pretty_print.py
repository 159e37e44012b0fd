"""Answers laid out for people's eyes: `prettyPrint=yes`, which other brokers know and the standard does not."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from typing import Any

from rhinecloud.broker.http.request import Send

SWITCH = b"prettyPrint="
"""What stands in the query string of who asks for a layout."""

SPACES = b"spaces="
WIDTHS = {b"%d" % width: width for width in range(1, 9)}
USUAL = b"2"

Scope = MutableMapping[str, Any]


def laid_out(scope: Scope, send: Send) -> tuple[Scope, Send]:
    """Take `prettyPrint=yes|no` and `spaces=1…8` out of a request, and give what indents the JSON of its answer.

    Where they say anything else they stay, and are refused as any unknown parameter is.
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
