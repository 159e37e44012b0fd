"""Compiles @context documents to a table of terms: the part of JSON-LD 1.1 context processing that NGSI-LD uses.

Remote documents are passed in, never fetched. Source: W3C JSON-LD 1.1 API, sections 4.1 and 4.2; ETSI GS CIM 009
v1.9.1, clause 5.5.7 (the core's terms cannot be redefined; scoped contexts are refused).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from rhinecloud.kernel.errors import Invalid, TooLarge
from rhinecloud.ngsild.documents import is_core_url

MAX_DEPTH = 16
MAX_CONTEXTS = 256
MAX_TERMS = 50_000
MAX_NESTED_TERMS = 64
"""Terms in a row whose definitions depend on the next one."""

_PREFIX_ENDS = tuple(":/?#[]@")
_CONTEXT_KEYWORDS = frozenset(
    ("@base", "@direction", "@import", "@language", "@propagate", "@protected", "@version", "@vocab")
)
_KEYWORDS = _CONTEXT_KEYWORDS | {
    *("@container", "@context", "@graph", "@id", "@included", "@index", "@json", "@list", "@nest"),
    *("@none", "@prefix", "@reverse", "@set", "@type", "@value"),
}


@dataclass(frozen=True, slots=True)
class TermDefinition:
    """What one term means: an IRI or keyword, whether it serves as a prefix, and what its values are coerced to."""

    iri: str
    prefix: bool = False
    coercion: str = ""


@dataclass(slots=True)
class Definitions:
    """A table of terms and the vocabulary of all other terms."""

    terms: dict[str, TermDefinition] = field(default_factory=dict)
    vocab: str = ""


def define_all(body: Any, documents: Mapping[str, Any], core: Definitions | None) -> Definitions | None:
    """Return the definitions of a context, which cannot change the core's terms; None if it adds nothing to the core.

    `core` is None only for the core context itself, which alone may have scoped contexts: they are ignored.
    """
    work = _Compilation(documents, core)
    work.add(body, base="")
    if core is None:
        return Definitions(work.terms, work.vocab)
    if work.terms == core.terms:
        return None
    return Definitions(work.terms, core.vocab)


def referenced_urls(body: Any, documents: Mapping[str, Any]) -> set[str]:
    """Return the remote URLs of a context, also through `documents`, except the core's; raise TooLarge."""
    found: set[str] = set()
    waiting: list[tuple[Any, str]] = [(body, "")]
    while waiting:
        part, base = waiting.pop()
        for url in _urls_of(part, base):
            if url in found or is_core_url(url):
                continue
            found.add(url)
            if len(found) > MAX_CONTEXTS:
                raise TooLarge(f"more than {MAX_CONTEXTS} contexts refer to each other", field="@context")
            if url in documents:
                waiting.append((_context_of(documents[url], url), url))
    return found


def _urls_of(part: Any, base: str) -> Iterator[str]:
    for each in part if isinstance(part, list) else [part]:
        if isinstance(each, str):
            yield _absolute(each, base)
        elif isinstance(each, dict) and isinstance(each.get("@import"), str):
            yield _absolute(each["@import"], base)


def _absolute(url: str, base: str) -> str:
    try:
        absolute = urljoin(base, url) if base else url
        urlsplit(absolute)
    except ValueError:
        raise Invalid(f"{url!r} is not the URL of an @context", field="@context") from None
    if not absolute.startswith(("http://", "https://", "urn:")):
        raise Invalid(f"{url!r} is not the URL of an @context", field="@context")
    return absolute


def _context_of(document: Any, url: str) -> Any:
    if not isinstance(document, dict) or "@context" not in document:
        raise Invalid(f"the document {url} must have the member @context", field="@context")
    return document["@context"]


class _Compilation:
    """The state of one compilation: the definitions so far, and the limits."""

    def __init__(self, documents: Mapping[str, Any], core: Definitions | None) -> None:
        self.documents = documents
        self.core = core
        self.terms: dict[str, TermDefinition] = dict(core.terms) if core else {}
        self.vocab = core.vocab if core else ""
        self._open: list[str] = []
        self._contexts = 0
        self._nested = 0

    def add(self, body: Any, base: str) -> None:
        """Add the definitions of one context."""
        self._contexts += 1
        if self._contexts > MAX_CONTEXTS:
            raise TooLarge(f"more than {MAX_CONTEXTS} contexts", field="@context")
        if body is None:
            self.terms = dict(self.core.terms) if self.core else {}
            self.vocab = self.core.vocab if self.core else ""
        elif isinstance(body, str):
            self._add_remote(_absolute(body, base))
        elif isinstance(body, list):
            for each in body:
                if isinstance(each, list):
                    raise Invalid("must not be a list in a list", field="@context")
                self.add(each, base)
        elif isinstance(body, dict):
            self._add_object(body, base)
        else:
            raise Invalid("must be a URL, an object or a list of those", field="@context")

    def _add_remote(self, url: str) -> None:
        if is_core_url(url):
            return
        if url in self._open:
            raise Invalid(f"the context {url} includes itself", field="@context")
        if len(self._open) >= MAX_DEPTH:
            raise TooLarge(f"contexts include each other more than {MAX_DEPTH} deep", field="@context")
        if url not in self.documents:
            raise Invalid(f"the context {url} was not fetched", field="@context")
        self._open.append(url)
        self.add(_context_of(self.documents[url], url), url)
        self._open.pop()

    def _add_object(self, body: dict[str, Any], base: str) -> None:
        if "@context" in body:
            raise Invalid("must not have a member @context", field="@context")
        if "@import" in body:
            body = {**self._imported(body["@import"], base), **body}
        if "@vocab" in body:
            self._set_vocab(body["@vocab"])
        local = {name: value for name, value in body.items() if name not in _CONTEXT_KEYWORDS}
        pending: dict[str, bool] = {}
        for name in local:
            self._define(name, local, pending)
        if len(self.terms) > MAX_TERMS:
            raise TooLarge(f"more than {MAX_TERMS} terms", field="@context")

    def _imported(self, url: Any, base: str) -> dict[str, Any]:
        if not isinstance(url, str):
            raise Invalid("must be a URL", field="@context.@import")
        absolute = _absolute(url, base)
        if is_core_url(absolute):
            return {}
        if absolute not in self.documents:
            raise Invalid(f"the context {absolute} was not fetched", field="@context.@import")
        imported = _context_of(self.documents[absolute], absolute)
        if not isinstance(imported, dict) or "@import" in imported:
            raise Invalid(f"{absolute} must be one object to be imported", field="@context.@import")
        return imported

    def _set_vocab(self, vocab: Any) -> None:
        if vocab is None:
            self.vocab = ""
        elif isinstance(vocab, str):
            self.vocab = self._expand(vocab, {}, {}) if vocab else self.vocab
        else:
            raise Invalid("must be an IRI", field="@context.@vocab")

    def _define(self, name: str, local: Mapping[str, Any], pending: dict[str, bool]) -> None:
        """Define one term after those that it depends on; `pending` maps a term to whether it is done."""
        if name in pending:
            if not pending[name]:
                raise Invalid("must not be defined by itself", field=f"@context.{name}")
            return
        if name == "" or name in _KEYWORDS:
            raise Invalid(f"{name!r} cannot be defined", field="@context")
        if (self.core and name in self.core.terms) or name.startswith("@"):
            return
        if self._nested >= MAX_NESTED_TERMS:
            raise TooLarge(
                f"more than {MAX_NESTED_TERMS} terms in a row depend on the next one",
                field=f"@context.{name}",
            )
        pending[name] = False
        self._nested += 1
        term = self._term(name, local[name], local, pending)
        self._nested -= 1
        if term is None:
            self.terms.pop(name, None)
        else:
            self.terms[name] = term
        pending[name] = True

    def _term(
        self, name: str, value: Any, local: Mapping[str, Any], pending: dict[str, bool]
    ) -> TermDefinition | None:
        simple = isinstance(value, str)
        definition = {"@id": value} if value is None or simple else value
        if not isinstance(definition, dict):
            raise Invalid("must be an IRI or an object", field=f"@context.{name}")
        if "@context" in definition and self.core is not None:
            raise Invalid("must not have a scoped context", field=f"@context.{name}")
        target = definition.get("@id", definition.get("@reverse", name))
        if target is None:
            return None
        if not isinstance(target, str):
            raise Invalid("@id must be a string", field=f"@context.{name}")
        iri = self._target(name, target, local, pending)
        coercion = definition.get("@type") or ""
        if not isinstance(coercion, str):
            raise Invalid("@type must be a string", field=f"@context.{name}")
        if coercion:
            coercion = self._expand(coercion, local, pending)
        prefix = definition.get("@prefix") is True or (simple and iri.endswith(_PREFIX_ENDS))
        return TermDefinition(iri, prefix and not iri.startswith("@"), coercion)

    def _target(self, name: str, target: str, local: Mapping[str, Any], pending: dict[str, bool]) -> str:
        iri = (
            self._expand(target, local, pending) if target != name else self._expand_own(name, local, pending)
        )
        if iri == "@context" or (":" not in iri and iri not in _KEYWORDS):
            raise Invalid(f"{target!r} must be an IRI or a known term", field=f"@context.{name}")
        return iri

    def _expand_own(self, name: str, local: Mapping[str, Any], pending: dict[str, bool]) -> str:
        return self._expand(name, local, pending) if ":" in name[1:] else self.vocab + name

    def _expand(self, text: str, local: Mapping[str, Any], pending: dict[str, bool]) -> str:
        """Return the IRI of a term or compact IRI within the context that is being defined."""
        if text in _KEYWORDS:
            return text
        if text in local and not pending.get(text):
            self._define(text, local, pending)
        found = self.terms.get(text)
        if found is not None:
            return found.iri
        prefix, colon, suffix = text.partition(":")
        if colon and prefix and not suffix.startswith("//"):
            if prefix in local and not pending.get(prefix):
                self._define(prefix, local, pending)
            base = self.terms.get(prefix)
            return base.iri + suffix if base is not None else text
        return text if colon else self.vocab + text
