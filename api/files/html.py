"""Answers as one HTML page that needs nothing else: no script, no style or picture from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

from api.files.view import Shown, clean, parts, remarks, source_line, totals, worst_first
from api.urls import web_url

if TYPE_CHECKING:
    from jinja2 import Template


def write_html(rows: Sequence[Shown], file: IO[bytes]) -> None:
    """Totals, then every question with its answer, quotes, dates and links; failures and abstentions first."""
    page = _template().render(totals=totals(rows), groups=worst_first(rows))
    # A lone half of a character, which a broken article can hold, has no UTF-8.
    file.write(page.encode("utf-8", "replace"))


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # Everything is escaped; nothing in the template says otherwise.
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(clean=clean, web_url=web_url, source_line=source_line, remarks=remarks)
    environment.globals["parts"] = parts
    return environment.get_template("report.html.jinja")
