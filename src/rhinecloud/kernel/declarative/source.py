"""From a file's bytes to its documents: size, encoding, and the syntax that its name ends with."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping
from pathlib import Path

from rhinecloud.kernel.declarative.fault import FileFault, NotReadable
from rhinecloud.kernel.declarative.json import parse_json
from rhinecloud.kernel.declarative.parsed import ParsedDocument
from rhinecloud.kernel.declarative.place import LIMITS, Limits, LineIndex
from rhinecloud.kernel.declarative.toml import parse_toml
from rhinecloud.kernel.declarative.yaml import parse_yaml

Parse = Callable[[str, str, Limits], list[ParsedDocument]]

SYNTAXES: Mapping[str, Parse] = {
    ".yaml": parse_yaml,
    ".yml": parse_yaml,
    ".json": parse_json,
    ".geojson": parse_json,
    ".jsonld": parse_json,
    ".toml": parse_toml,
}
"""How the name of a file ends, and what reads it."""

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def parse_file(path: Path, name: str = "", limits: Limits = LIMITS) -> list[ParsedDocument]:
    """Return the documents of a file, called `name` in faults, else by its path; raise FileFault."""
    name = name or str(path)
    try:
        with path.open("rb") as file:
            content = file.read(limits.size_bytes + 1)
    except OSError as error:
        raise FileFault(f"cannot read the file: {error.strerror}", name) from None
    return parse_bytes(content, path.suffix, name, limits)


def parse_bytes(content: bytes, suffix: str, name: str, limits: Limits = LIMITS) -> list[ParsedDocument]:
    """Return the documents of a file's content, whose syntax is named by `suffix` (`.yaml`); raise FileFault."""
    parse = SYNTAXES.get(suffix.lower())
    if parse is None:
        raise FileFault(f"the name of the file must end with one of {', '.join(SYNTAXES)}", name)
    if len(content) > limits.size_bytes:
        raise FileFault(f"the file must not be larger than {limits.size_bytes:,} bytes", name)
    try:
        documents = parse(_decode(content), name, limits)
    except NotReadable as refusal:
        raise FileFault(refusal.reason, name, refusal.place, refusal.path) from None
    if not documents:
        raise FileFault("the file is empty", name)
    return documents


def _decode(content: bytes) -> str:
    if content.startswith(codecs.BOM_UTF8):
        raise NotReadable("the file begins with a byte order mark: save it as UTF-8 without one")
    if content.startswith(_UTF_16):
        raise NotReadable("the file is UTF-16: save it as UTF-8")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        raise NotReadable("the file is not UTF-8 text", LineIndex(before).place(len(before))) from None
