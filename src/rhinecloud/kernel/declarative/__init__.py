"""One reader of declarative files: what an expert writes in YAML, JSON or TOML becomes a typed model, or every fault
in it is named by line and column at once.

A part describes a kind of file as a `DeclarativeModel` and reads it with `read_document`; docs/declarative-files.md
shows how.
"""

from rhinecloud.kernel.declarative.document import (
    Document,
    all_of,
    fit_document,
    fit_documents,
    only_document,
    read_content,
    read_document,
    read_documents,
)
from rhinecloud.kernel.declarative.fault import FileFault, TextFault
from rhinecloud.kernel.declarative.model import DeclarativeModel, ReadBy
from rhinecloud.kernel.declarative.parsed import ParsedDocument, plain_document
from rhinecloud.kernel.declarative.place import LIMITS, DocumentPath, Limits, path_of
from rhinecloud.kernel.declarative.schema import json_schema
from rhinecloud.kernel.declarative.source import SYNTAXES, parse_bytes, parse_file
from rhinecloud.kernel.declarative.types import LANGUAGES, Duration, Text, Texts, parse_duration, read_texts

__all__ = [
    "LANGUAGES",
    "LIMITS",
    "SYNTAXES",
    "DeclarativeModel",
    "Document",
    "DocumentPath",
    "Duration",
    "FileFault",
    "Limits",
    "ParsedDocument",
    "ReadBy",
    "Text",
    "TextFault",
    "Texts",
    "all_of",
    "fit_document",
    "fit_documents",
    "json_schema",
    "only_document",
    "parse_bytes",
    "parse_duration",
    "parse_file",
    "path_of",
    "plain_document",
    "read_content",
    "read_document",
    "read_documents",
    "read_texts",
]
