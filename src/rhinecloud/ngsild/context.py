"""A compiled JSON-LD @context: short terms to IRIs and back, each a dictionary look-up.

It supports what NGSI-LD needs of JSON-LD 1.1: terms, prefixes, `@vocab`, keyword aliases and type coercion. The
core context overrides all others, and unknown terms belong to its default vocabulary. Source: ETSI GS
CIM 009 v1.9.1, clauses 4.4, 5.5.5 and 5.5.7; W3C JSON-LD 1.1, section 4.1 and the algorithms of its API.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import orjson

from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.definitions import Definitions, TermDefinition, define_all, referenced_urls
from rhinecloud.ngsild.documents import core_document
from rhinecloud.ngsild.values import is_uri

_CACHED_TERMS = 20_000
_NAME = re.compile(r"[^\W\d_]\w*(?::[^\W\d_]\w*)?")


class Context:
    """An immutable compiled @context; `key` is equal for contexts that give every term the same meaning.

    `expand(term)` returns the IRI of a term (or the keyword that it stands for), `compact(iri)` the shortest term of an
    IRI, `name(term)` expands the name of a type or an attribute and raises Invalid where it is none (clause 4.6.2).
    """

    __slots__ = ("_definitions", "_prefixes", "_terms", "aliases", "compact", "expand", "key", "name")

    expand: Callable[[str], str]
    compact: Callable[[str], str]
    name: Callable[[str], str]

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._terms = _shortest_terms(definitions.terms)
        self._prefixes = _prefixes(definitions.terms)
        self.aliases = {
            name: term.iri
            for name, term in definitions.terms.items()
            if term.iri in ("@id", "@type") and name not in ("id", "type")
        }
        self.expand = BoundedCache(self._expand, _CACHED_TERMS).__getitem__
        self.compact = BoundedCache(self._compact, _CACHED_TERMS).__getitem__
        self.name = BoundedCache(self._name, _CACHED_TERMS).__getitem__
        self.key = _key(definitions)

    def coercion(self, term: str) -> str:
        """Return what the values of a term are coerced to: `@id`, `@vocab`, `@json`, a datatype's IRI, or ''."""
        found = self._definitions.terms.get(term)
        return found.coercion if found else ""

    def knows(self, term: str) -> bool:
        """Return whether the context defines `term` itself."""
        return term in self._definitions.terms

    def terms(self) -> Iterable[str]:
        """Return the terms that the context defines."""
        return self._definitions.terms.keys()

    def _expand(self, term: str) -> str:
        found = self._definitions.terms.get(term)
        if found is not None:
            return found.iri
        if term.startswith("@"):
            return term
        prefix, colon, suffix = term.partition(":")
        if colon and prefix:
            base = self._definitions.terms.get(prefix)
            if base is not None and base.prefix and not suffix.startswith("//"):
                return base.iri + suffix
            return term
        return self._definitions.vocab + term

    def _compact(self, iri: str) -> str:
        term = self._terms.get(iri)
        if term is not None:
            return term
        vocab = self._definitions.vocab
        if iri.startswith(vocab) and self._is_faithful(iri[len(vocab) :], iri):
            return iri[len(vocab) :]
        candidates = (
            f"{name}:{iri[len(base) :]}"
            for name, base in self._prefixes
            if iri.startswith(base) and iri != base
        )
        faithful = [each for each in candidates if self._is_faithful(each, iri)]
        return min(faithful, key=_shortness) if faithful else iri

    def _is_faithful(self, candidate: str, iri: str) -> bool:
        return candidate != "" and self._expand(candidate) == iri

    def _name(self, term: str) -> str:
        if not isinstance(term, str):
            raise Invalid(f"{term!r} is not a name")
        if not (_NAME.fullmatch(term) or is_uri(term) or term in self._definitions.terms):
            raise Invalid(f"{term!r} must have letters, digits and _ only, with a letter first")
        iri = self._expand(term)
        if iri.startswith("@"):
            raise Invalid(f"{term!r} is an alias of the keyword {iri}, not a name")
        return iri


@cache
def core_context() -> Context:
    """Return the compiled core @context, v1.9; it is used for every published core address."""
    return Context(_core_definitions())


def compile_context(body: Any, documents: Mapping[str, Any]) -> Context:
    """Compile the value of an `@context` member: a URL, an object, a list of those, or None.

    `documents` holds every remote document that `missing_urls` asked for, by URL, as parsed JSON. Raise Invalid
    where the context is malformed, cyclic, too deep or too large, has scoped contexts (clause 5.5.7), or a document
    is missing.
    """
    definitions = define_all(body, documents, _core_definitions())
    return core_context() if definitions is None else Context(definitions)


def missing_urls(body: Any, documents: Mapping[str, Any]) -> set[str]:
    """Return the remote @context URLs that `body` needs, directly or through `documents`, and that `documents` lacks.

    The core addresses are never among them. Fetch these URLs, add them to `documents`, and repeat until none is left.
    """
    return {url for url in referenced_urls(body, documents) if url not in documents}


@cache
def _core_definitions() -> Definitions:
    definitions = define_all(core_document()["@context"], {}, None)
    assert definitions is not None
    return definitions


def _shortness(term: str) -> tuple[int, str]:
    return len(term), term


def _shortest_terms(terms: Mapping[str, TermDefinition]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in sorted(terms, key=_shortness):
        found.setdefault(terms[name].iri, name)
    return found


def _prefixes(terms: Mapping[str, TermDefinition]) -> list[tuple[str, str]]:
    return sorted((name, term.iri) for name, term in terms.items() if term.prefix)


def _key(definitions: Definitions) -> str:
    table = {name: [term.iri, term.prefix, term.coercion] for name, term in definitions.terms.items()}
    body = orjson.dumps([definitions.vocab, table], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(body).hexdigest()[:32]
