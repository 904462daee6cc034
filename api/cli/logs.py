"""Log lines on stderr."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from api.cli.output import safe
from api.request_context import request_id

OWN = ("api", "ingest", "qa", "dateline")
"""Our loggers. Other libraries' say what is wrong at most."""


class StderrHandler(logging.StreamHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Writes log lines that a terminal cannot be made to obey: they may hold words of articles and callers."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, made safe."""
        return safe(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time`` (UTC), ``level``, ``logger``, ``message``, and what else is known of it.

    That is ``request_id``, ``exception`` with its traceback, and for a request answered ``method``, ``route``,
    ``status``, ``ms`` and ``caller``.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line. All in ASCII, so that nothing in it controls anything."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if found := request_id.get():
            line["request_id"] = found
        line |= getattr(record, "told", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_to_stderr(level: str, *, as_json: bool = False) -> None:
    """Show log lines from ``level`` (debug, info, warning, error) upwards; what was set up here before is replaced."""
    least = logging.getLevelNamesMapping()[level.upper()]
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, StderrHandler)]:
        root.removeHandler(old)
    handler = StderrHandler()
    text = logging.Formatter("%(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter() if as_json else text)
    root.addHandler(handler)
    root.setLevel(max(least, logging.WARNING))
    for name in OWN:
        logging.getLogger(name).setLevel(least)
