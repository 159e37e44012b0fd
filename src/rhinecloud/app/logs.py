"""The log: lines of text for people or of JSON for machines, each with the id of the request that it belongs to."""

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
LOUD = ("nats", "aiohttp.access", "_granian", "asyncio", "opentelemetry")
"""They repeat at length what the parts that use them say once."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Section `[log]`: what the city writes to its standard error."""

    format: str = setting("text", "`text`: a line for people; `json`: an object a line, for machines.")
    level: str = setting("warning", "The least that is written: `debug`, `info`, `warning` or `error`.")
    access: bool = setting(False, "Whether each request is a line, at level `info`; it costs some speed.")

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise Invalid(f"{self.format!r} is none of {', '.join(FORMATS)}", field="log.format")
        if self.level not in LEVELS:
            raise Invalid(f"{self.level!r} is none of {', '.join(LEVELS)}", field="log.level")


class TextLines(logging.Formatter):
    """One line for people; the request's id stands in brackets where there is one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s%(request)s")

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        request_id = REQUEST_ID.get()
        record.request = f" [{request_id.decode('latin-1')}]" if request_id else ""
        return super().format(record)


class JsonLines(logging.Formatter):
    """One object a line: `time`, `level`, `logger`, `message`, and where there are any `request_id`, facts, `stack`."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
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
    """Let the whole process write its log so; `verbose` overrides the level."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.format == "json" else TextLines())
    logging.basicConfig(level="INFO" if verbose else settings.level.upper(), handlers=[handler], force=True)
    if settings.access:
        logging.getLogger("rhinecloud.access").setLevel(logging.INFO)
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.ERROR)
