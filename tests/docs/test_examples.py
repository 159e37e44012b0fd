"""The commands that the pages show do what the pages say: each is run, by bash and curl, against a fresh city."""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from docs.examples import Example, Terminal, read_examples, same_json

ROOT = Path(__file__).parents[2]
TUTORIAL = "docs/tutorial.md"
PORTS = {"8080": "city", "8321": "city", "8322": "receiver"}
"""The ports that the pages name, in whose place the tests take free ones."""


def free_ports() -> dict[str, str]:
    with ExitStack() as stack:
        sockets = {name: stack.enter_context(socket.socket()) for name in set(PORTS.values())}
        for each in sockets.values():
            each.bind(("127.0.0.1", 0))
        return {port: str(sockets[name].getsockname()[1]) for port, name in PORTS.items()}


def read_page(page: str, ports: dict[str, str]) -> list[Example]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return read_examples(re.sub(r"\b8\d\d\d\b", lambda found: ports.get(found[0], found[0]), text))


def pages_with_curl() -> list[str]:
    pages = [
        path.relative_to(ROOT).as_posix() for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    ]
    shown = [page for page in pages if not page.startswith(("docs/_", "docs/changelog"))]
    return sorted(page for page in shown if any("curl" in each.command for each in read_page(page, {})))


def examples_of(page: str) -> list[Example]:
    """Give a page's examples; those of other pages than the tutorial want its city and its token."""
    ports = free_ports()
    tutorial = read_page(TUTORIAL, ports)
    if page == TUTORIAL:
        return tutorial
    ready = next(place for place, each in enumerate(tutorial) if "rhinecloud tokens add" in each.command)
    return tutorial[: ready + 1] + read_page(page, ports)


@pytest.mark.parametrize("page", pages_with_curl())
def test_a_pages_commands_give_the_answers_it_shows(page: str, tmp_path: Path) -> None:
    with closing(Terminal(tmp_path)) as terminal:
        for number, example in enumerate(examples_of(page)):
            output = terminal.run(example, number)
            assert example.is_answered_by(output), (
                f"{page}:{example.line}\n{example.command}\nshown:\n{example.answer}\ncame:\n{output}"
            )


def test_the_tutorial_is_among_the_pages() -> None:
    assert {TUTORIAL, "README.md"} <= set(pages_with_curl())


@pytest.mark.parametrize(
    ("shown", "given", "same"),
    [
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1, "…": "…"}, {"a": 1, "b": 2}, True),
        ({"a": "…"}, {"a": [1]}, True),
        ({"a": "urn:…:x"}, {"a": "urn:1:x"}, True),
        ({"a": "urn:…:x"}, {"a": "urn:1:y"}, False),
        ([1, "…"], [1, 2, 3], True),
        ([1, 2], [1, 2, 3], False),
        (1, True, False),
    ],
)
def test_the_sign_of_omission_stands_for_anything(shown: object, given: object, same: bool) -> None:
    assert same_json(shown, given) is same


def test_lines_are_compared_in_order() -> None:
    example = Example(1, "curl", "text", "HTTP/1.1 201 Created\nlocation: /a/…\n…\n")
    assert example.is_answered_by("HTTP/1.1 201 Created\r\nlocation: /a/1\r\ndate: now\r\n\r\n")
    assert not example.is_answered_by("HTTP/1.1 204 No Content\r\nlocation: /a/1\r\n\r\n")
    assert not example.is_answered_by("location: /a/1\r\nHTTP/1.1 201 Created\r\n\r\n")
