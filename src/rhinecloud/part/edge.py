"""What the HTTP layer does for applications that parts and packs bring."""

from __future__ import annotations

from typing import Protocol

from fastapi import FastAPI

from rhinecloud.part.model import Application


class HttpEdge(Protocol):
    """Wraps applications, so that all of them are bounded, counted and answer errors alike. A service of the space."""

    def around(self, application: Application, prefix: str) -> Application:
        """Return an application that bounds bodies, counts and logs requests, and answers errors as problems.

        `prefix` begins the names of its routes in the figures.
        """
        ...

    def add_problems(self, api: FastAPI) -> None:
        """Have an API answer every error with a problem document (RFC 9457)."""
        ...
