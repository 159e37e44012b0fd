"""Makes a new pack that works: what `rhinecloud pack new` writes."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from rhinecloud import __version__
from rhinecloud.kernel.errors import Conflict, Invalid

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
TEMPLATE = "template"


def write_pack(name: str, folder: Path) -> Path:
    """Write a new pack below `folder` and return its own folder.

    Raises Invalid for a bad name, Conflict for one that is taken.
    """
    if not _NAME.fullmatch(name):
        raise Invalid(
            f"must be small letters, digits and single hyphens, such as `street-lamps`, not {name!r}"
        )
    made = folder / name
    if made.exists():
        raise Conflict(f"{made} is there already")
    words = words_of(name)
    _write(files("rhinecloud.cli.packs") / TEMPLATE, made, words)
    return made


def words_of(name: str) -> dict[str, str]:
    """Return what the marks of the template stand for."""
    camel = "".join(part.capitalize() for part in name.split("-"))
    major, minor = __version__.split(".")[:2]
    return {
        "NAME": name,
        "PACKAGE": f"{name.replace('-', '_')}_pack",
        "TITLE": name.replace("-", " ").capitalize(),
        "TYPE": f"{camel}Observed",
        "REQUIRES": f"rhinecloud>={major}.{minor},<{major}.{int(minor) + 1}",
    }


def _write(source: Traversable, target: Path, words: dict[str, str]) -> None:
    target.mkdir(parents=True)
    for each in source.iterdir():
        path = target / _filled(each.name, words).removesuffix(".tmpl")
        if each.is_dir():
            if each.name != "__pycache__":
                _write(each, path, words)
        else:
            path.write_text(_filled(each.read_text(encoding="utf-8"), words), encoding="utf-8")


def _filled(text: str, words: dict[str, str]) -> str:
    for mark, word in words.items():
        text = text.replace(f"@{mark}@", word)
    return text
