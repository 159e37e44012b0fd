"""One reader of declarative files: what an expert writes in YAML, JSON or TOML becomes a typed model, or every fault
in it is named by line and column at once.

A part describes a kind of file as a `DeclarativeModel` and reads it with `read_document`; docs/declarative-files.md
shows how.
"""

from rhinecloud.kernel.declarative.document import (
    Document,
    all_of,
    fit_documents,
    read_content,
    read_document,
    read_documents,
)
from rhinecloud.kernel.declarative.fault import FileFault, TextFault
from rhinecloud.kernel.declarative.model import DeclarativeModel, ReadBy
from rhinecloud.kernel.declarative.parsed import ParsedDocument
from rhinecloud.kernel.declarative.place import LIMITS, DocumentPath, Limits
from rhinecloud.kernel.declarative.schema import json_schema
from rhinecloud.kernel.declarative.source import SYNTAXES, parse_bytes, parse_file

__all__ = [
    "LIMITS",
    "SYNTAXES",
    "DeclarativeModel",
    "Document",
    "DocumentPath",
    "FileFault",
    "Limits",
    "ParsedDocument",
    "ReadBy",
    "TextFault",
    "all_of",
    "fit_documents",
    "json_schema",
    "parse_bytes",
    "parse_file",
    "read_content",
    "read_document",
    "read_documents",
]
