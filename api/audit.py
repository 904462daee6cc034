"""The audit log: who asked what, which passages were shown, what was answered. JSON Lines, only ever added to."""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from qa.errors import SettingsError

_FILE = re.compile(r"audit-(\d{4}-\d{2}-\d{2})\.jsonl")
_log = logging.getLogger("dateline.http")


class AuditLog:
    """Appends to the directory's file of the day (UTC). Raises ``SettingsError`` when nothing can be written there.

    A file older than ``days`` is removed when a new day begins and at the start; 0 keeps all. Several processes may
    append: a line is one write. Nobody but the owner may read what it makes.
    """

    def __init__(self, directory: Path, days: int) -> None:
        self._directory = directory
        self._days = days
        self._lock = threading.Lock()
        self._today: date | None = None
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._append(b"", datetime.now(UTC).date())
        except OSError as error:
            raise SettingsError(f"DATELINE_AUDIT_DIR: {directory} cannot be written: {error.strerror}") from None

    def write(self, entry: dict[str, Any]) -> bool:
        """Add a line: ``entry`` with the time. Whether it was written; why not is in the service's log."""
        now = datetime.now(UTC)
        line = json.dumps({"time": now.isoformat(timespec="milliseconds"), **entry}, ensure_ascii=False) + "\n"
        try:
            self._append(line.encode("utf-8", "backslashreplace"), now.date())
        except OSError as error:
            _log.error("the audit log cannot be written: %s", error.strerror)
            return False
        return True

    def _append(self, line: bytes, today: date) -> None:
        with self._lock:
            path = self._directory / f"audit-{today}.jsonl"
            number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(number, line)
            finally:
                os.close(number)
            if today != self._today:
                self._today = today
                self._remove_old(today)

    def _remove_old(self, today: date) -> None:
        if not self._days:
            return
        oldest = today - timedelta(days=self._days)
        for path in self._directory.iterdir():
            named = _FILE.fullmatch(path.name)
            if named and named[1] < oldest.isoformat():
                path.unlink(missing_ok=True)
