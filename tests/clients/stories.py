"""Tells a client's stories to a running city: runs inside that client's own environment, which has nothing of ours.

Usage: `python stories.py MODULE URL [TOKEN]`. Each function `story_…` of the module is called with a `City`; what came
of it is printed as one line of JSON: `{"story": …, "error": null | traceback}`.
"""

from __future__ import annotations

import importlib
import json
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Receiver:
    """An HTTP server that keeps the notifications that it hears."""

    url: str
    heard: list[dict[str, Any]] = field(default_factory=list)

    def wait_for(self, count: int = 1, timeout_s: float = 60) -> list[dict[str, Any]]:
        """Wait until so many notifications have come; gives all of them."""
        end = time.monotonic() + timeout_s
        while len(self.heard) < count and time.monotonic() < end:
            time.sleep(0.02)
        assert len(self.heard) >= count, f"{len(self.heard)} of {count} notifications came"
        return self.heard


@dataclass(frozen=True)
class City:
    """Where the city is, and the token that it lets in; empty where access is open."""

    url: str
    token: str

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 80

    @property
    def authorization(self) -> dict[str, str]:
        """Give the header field that the city wants."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    @contextmanager
    def receiver(self) -> Iterator[Receiver]:
        """Open a receiver of notifications on loopback."""

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                found.heard.append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        found = Receiver(f"http://127.0.0.1:{server.server_port}/heard")
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield found
        finally:
            server.shutdown()
            server.server_close()


def main(module: str, url: str, token: str = "") -> None:
    """Tell every story, each to the end, whatever becomes of the others."""
    city = City(url, token)
    told = importlib.import_module(module)
    for name in [each for each in vars(told) if each.startswith("story_")]:
        error = None
        try:
            getattr(told, name)(city)
        except Exception:  # noqa: BLE001  (a story that fails stops no other)
            error = traceback.format_exc()
        print(json.dumps({"story": name, "error": error}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
