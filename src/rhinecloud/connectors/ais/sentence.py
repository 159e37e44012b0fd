"""Finds the sentences of a line, with what the receiver wrote around each, so that damage costs one sentence alone.

Payloads hold none of `!`, `$`, `\\\\`: where a line end was lost, the next sentence begins at one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rhinecloud.connectors.ais.tag import NO_TAG, Tag, read_fields, read_tags

_SENTENCE = re.compile(rb"((?:\\[^\\]*\\)*)([!$][^!$\\]*)")
_CHECKSUM = re.compile(rb"\*[0-9A-Fa-f]{2}")
_WORD = re.compile(rb"[^\W_]")


@dataclass(frozen=True, slots=True)
class FoundSentence:
    """A piece of a line as it came (`raw`); `text` ends with the checksum, where there is one."""

    raw: bytes
    text: bytes
    tag: Tag = NO_TAG


def find_sentences(line: bytes) -> Iterator[FoundSentence]:
    """Yield each sentence of a line; and what stands before or between them, unless it tells their time."""
    end, written = 0, NO_TAG
    for found in _SENTENCE.finditer(line):
        before = line[end : found.start()]
        if before:
            written = read_fields(before)
            if written.time is None and _WORD.search(before):
                yield FoundSentence(before, before)
        end = found.end()
        text, after = _split(found[2])
        tag = read_tags(found[1]).or_else(read_fields(after)).or_else(written)
        yield FoundSentence(found[0].rstrip(b" \t\x00"), text, tag)
    rest = line[end:].strip(b" \t\x00")
    if rest:
        yield FoundSentence(rest, rest)


def _split(text: bytes) -> tuple[bytes, bytes]:
    """Return a sentence up to its checksum, and what follows it."""
    check = _CHECKSUM.search(text)
    end = check.end() if check else len(text)
    return text[:end].rstrip(b" \t\x00"), text[end:]
