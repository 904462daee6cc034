"""Which of day and month comes first in a site's numeric dates, as the files beside one prove it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import islice
from pathlib import Path

from ingest.clean import clean_line, clean_text, source_from_url
from ingest.published import proved_order
from ingest.readers.decoding import READ_ERRORS, decode, open_binary
from ingest.readers.header import split_header
from ingest.readers.page import page_orders
from qa.errors import InputError

_MOST_FILES = 500
"""How many files of a folder are looked into: pages take some milliseconds each."""
_MAX_BYTES = 2_000_000
"""How much of a file is looked at."""

Proofs = Iterator[tuple[str, bool]]
"""Names of a site, each with whether a date of it is one that can only have the day first."""


class Beside:
    """The files in a folder, looked into once the first date turns up that could be either, and not before."""

    def __init__(self, folder: Path, files: Callable[[], Iterable[Path]]) -> None:
        self.folder = folder
        self._files = files
        self._proved: dict[str, set[bool]] | None = None

    def day_first(self, site: str | None, *, today: date) -> bool | None:
        """True or False when all dates of ``site`` that prove an order prove the same; None otherwise.

        ``site`` is a source's name or a URL's host. Files whose site is not known prove nothing: what lies in a folder
        may come from anywhere.
        """
        if site is None:
            return None
        if self._proved is None:
            self._proved = self._look(today)
        orders = self._proved.get(site, set())
        return next(iter(orders)) if len(orders) == 1 else None

    def _look(self, today: date) -> dict[str, set[bool]]:
        proved: dict[str, set[bool]] = {}
        readable = (path for path in self._files() if _kind(path) in _PROOFS and path.is_file())
        for path in islice(readable, _MOST_FILES):
            try:
                with open_binary(path) as stream:
                    data = stream.read(_MAX_BYTES)
                for site, order in _PROOFS[_kind(path)](data, today):
                    proved.setdefault(site, set()).add(order)
            except (InputError, *READ_ERRORS):
                # Its own reading will say so.
                continue
        return proved


def _kind(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _of_text(data: bytes, today: date) -> Proofs:
    text, _ = decode(data)
    fields = split_header(clean_text(text), today=today).fields
    order = proved_order(str(fields.get("published", "")))
    names = (clean_line(str(fields.get("source", ""))), source_from_url(str(fields.get("url", ""))))
    return ((name, order) for name in names if name and order is not None)


def _of_page(data: bytes, _today: date) -> Proofs:
    site, orders = page_orders(data)
    return ((site, order) for order in orders if site)


_PROOFS: dict[str, Callable[[bytes, date], Proofs]] = {
    ".txt": _of_text,
    ".md": _of_text,
    ".html": _of_page,
    ".htm": _of_page,
}
