"""The log: lines of text or JSON, each with the id of its request."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.request_id import REQUEST_ID
from rhinecloud.kernel.settings import setting

FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")
VERBOSE_LIBRARIES = ("nats", "aiohttp.access", "_granian", "asyncio", "opentelemetry")
"""Loggers of libraries whose messages repeat what the parts that use them log."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Section `[log]`: what the city writes to its standard error."""

    format: str = setting("text", "`text`: lines for people; `json`: an object per line, for machines.")
    level: str = setting("warning", "Least level that is written: `debug`, `info`, `warning` or `error`.")
    access: bool = setting(False, "Whether each request is logged, at level `info`; it costs some speed.")

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise Invalid(f"must be one of {', '.join(FORMATS)}, not {self.format!r}", field="log.format")
        if self.level not in LEVELS:
            raise Invalid(f"must be one of {', '.join(LEVELS)}, not {self.level!r}", field="log.level")


class TextLines(logging.Formatter):
    """Formats a record as a line for people, with the request's id in brackets."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s%(request)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        request_id = REQUEST_ID.get()
        record.request = f" [{request_id.decode('latin-1')}]" if request_id else ""
        return super().format(record)


class JsonLines(logging.Formatter):
    """Formats a record as JSON: `time`, `level`, `logger`, `message`, and if any `request_id`, facts and `stack`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        request_id = REQUEST_ID.get()
        if request_id:
            line["request_id"] = request_id.decode("latin-1")
        line.update(getattr(record, "facts", {}))
        if record.exc_info:
            line["stack"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def write_log(settings: LogSettings, *, verbose: bool = False) -> None:
    """Configure the log of the process; `verbose` overrides the level."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.format == "json" else TextLines())
    logging.basicConfig(level="INFO" if verbose else settings.level.upper(), handlers=[handler], force=True)
    if settings.access:
        logging.getLogger("rhinecloud.access").setLevel(logging.INFO)
    for name in VERBOSE_LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)
