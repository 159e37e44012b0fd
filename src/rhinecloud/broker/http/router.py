"""Finds the route of a request: one dictionary look-up per path segment.

Source: ETSI GS CIM 009 v1.9.1, clause 6.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

from rhinecloud.broker.errors import MethodNotAllowed
from rhinecloud.broker.http.route import Route
from rhinecloud.kernel.errors import Invalid, NotFound

NO_VARIABLES: dict[str, str] = {}


class _Node:
    __slots__ = ("children", "routes", "variable")

    def __init__(self) -> None:
        self.children: dict[bytes, _Node] = {}
        self.variable: _Node | None = None
        self.routes: dict[str, tuple[Route, tuple[str, ...]]] = {}


class Router:
    """The routes as a tree of path segments. The most frequent ones, with no variable but the last segment, are found
    in one step.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._root = _Node()
        self._plain: dict[tuple[str, bytes], Route] = {}
        self._leaves: dict[tuple[str, bytes], tuple[Route, str]] = {}
        for route in routes:
            self._add(route)
        for route in routes:
            self._add_shortcut(route)

    def find(self, verb: str, path: bytes) -> tuple[Route, dict[str, str]]:
        """Return the route of a raw path, such as `/entities/urn%3Ax`, and its decoded variables.

        A slash at the end is ignored, unless it is that of a URI. Raise NotFound if there is no such resource,
        MethodNotAllowed if it has no such method.
        """
        plain = self._plain.get((verb, path))
        if plain is not None:
            return plain, NO_VARIABLES
        head, _, tail = path.rpartition(b"/")
        leaf = self._leaves.get((verb, head))
        if leaf is not None and tail:
            return leaf[0], {leaf[1]: _decode(tail)}
        return self._walk(verb, path)

    def _walk(self, verb: str, path: bytes) -> tuple[Route, dict[str, str]]:
        node = self._root
        values: list[bytes] = []
        segments = path.lstrip(b"/").split(b"/") if len(path) > 1 else []
        while segments:
            segment = segments.pop(0)
            if not segment and not segments:
                break  # a slash at the end
            child = node.children.get(segment)
            if child is None:
                child = node.variable
                if child is None:
                    raise NotFound(f"there is no resource {path.decode('latin-1')}")
                values.append(_rejoined(segment, segments, child))
            node = child
        found = node.routes.get(verb) or (node.routes.get("GET") if verb == "HEAD" else None)
        if found is None:
            if not node.routes:
                raise NotFound(f"there is no resource {path.decode('latin-1')}")
            raise MethodNotAllowed(verb, self.allowed(node))
        route, names = found
        if not names:
            return route, NO_VARIABLES
        return route, dict(zip(names, map(_decode, values), strict=True))

    @staticmethod
    def allowed(node: _Node) -> list[str]:
        """Return the methods of a resource."""
        verbs = [*node.routes, "OPTIONS"]
        return [*verbs, "HEAD"] if "GET" in node.routes else verbs

    def _add(self, route: Route) -> None:
        node = self._root
        names = []
        for segment in route.path.strip("/").split("/"):
            if segment.startswith("{"):
                names.append(segment.strip("{}"))
                if node.variable is None:
                    node.variable = _Node()
                node = node.variable
            else:
                node = node.children.setdefault(segment.encode(), _Node())
        node.routes[route.verb] = (route, tuple(names))

    def _add_shortcut(self, route: Route) -> None:
        """Add a route that can be found in one step, unless a fixed name may take the variable's place."""
        head, _, last = route.path.rpartition("/")
        if "{" in head:
            return
        if not last.startswith("{"):
            self._plain[route.verb, route.path.encode()] = route
        elif not self._node(head).children:
            self._leaves[route.verb, head.encode()] = (route, last.strip("{}"))

    def _node(self, path: str) -> _Node:
        node = self._root
        for segment in path.strip("/").split("/"):
            node = node.children[segment.encode()]
        return node


def _rejoined(segment: bytes, following: list[bytes], node: _Node) -> bytes:
    """Return a variable's value whole where it is a URI whose slashes were not encoded, as in
    `/entities/http://a/b/attrs`: take from `following` all that leads no further from `node`.
    """
    if b":" not in segment:
        return segment
    parts = [segment]
    while following and following[0] not in node.children:
        parts.append(following.pop(0))
    return b"/".join(parts)


def _decode(segment: bytes) -> str:
    if b"%" not in segment:
        return segment.decode("latin-1")
    try:
        return unquote(segment.decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        raise Invalid("the path must be URL-encoded UTF-8") from None
