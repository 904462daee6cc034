"""Log lines on stderr."""

from __future__ import annotations

import logging

from api.cli.output import safe

OWN = ("api", "ingest", "qa", "dateline")
"""Our loggers. Other libraries' say what is wrong at most."""


class StderrHandler(logging.StreamHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Writes log lines that a terminal cannot be made to obey: they may hold words of articles and callers."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, made safe."""
        return safe(super().format(record))


def log_to_stderr(level: str) -> None:
    """Show log lines from ``level`` (debug, info, warning, error) upwards; what was set up here before is replaced."""
    least = logging.getLevelNamesMapping()[level.upper()]
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, StderrHandler)]:
        root.removeHandler(old)
    handler = StderrHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(max(least, logging.WARNING))
    for name in OWN:
        logging.getLogger(name).setLevel(least)
