"""Serves the @contexts that the suite's data name, so that a run needs no network."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

EMPTY = b'{"@context": {"fiware": "https://uri.fiware.org/ns/data-models#"}}'
"""Stands for contexts of which the suite needs no term, only that they can be had."""


class Origin(ThreadingHTTPServer):
    """A server on a free port; `folder` holds the documents by name."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = Path()

    @property
    def port(self) -> int:
        """Give the port that it listens on."""
        return int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Origin

    def do_GET(self) -> None:
        path = self.server.folder / Path(self.path).name
        body = path.read_bytes() if path.is_file() else EMPTY
        self.send_response(200)
        self.send_header("Content-Type", "application/ld+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serve_origin() -> Iterator[Origin]:
    """Serve until the block is left."""
    origin = Origin()
    thread = threading.Thread(target=origin.serve_forever, daemon=True)
    thread.start()
    try:
        yield origin
    finally:
        origin.shutdown()
        origin.server_close()
