"""Answers as Markdown: what articles, questions and models say stays text, whatever it looks like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import IO

from api.files.view import Shown, flat, remarks, source_line, totals, worst_first
from api.urls import web_url
from qa.models import Citation

# With a backslash before it, ASCII punctuation is itself (CommonMark 0.31, 2.4). The last two would be links in GFM.
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|~&!$@]|:(?=//)|(?<=www)\.", re.I)
_STARTS_BLOCK = re.compile(r"^(?:[-+=]|\d+(?=[.)]))")


def write_markdown(rows: Sequence[Shown], file: IO[bytes]) -> None:
    """Totals, then every question with its answer and quotes; failures and abstentions first."""
    file.write("\n".join(_lines(rows)).encode("utf-8"))


def _lines(rows: Sequence[Shown]) -> Iterator[str]:
    counts = totals(rows)
    yield f"# Answers to {counts.rows} question{'' if counts.rows == 1 else 's'}"
    yield ""
    yield "; ".join(f"{name} {value}" for name, value in counts.lines())
    yield ""
    for title, members in worst_first(rows):
        yield f"## {title} ({len(members)})"
        yield ""
        for row in members:
            yield from _row(row)


def _row(row: Shown) -> Iterator[str]:
    yield f"### {escaped(row.id)}: {escaped(row.question)}"
    yield ""
    yield escaped(row.text)
    yield ""
    for citation in row.citations:
        yield f"> {_quote(citation)}"
        yield ">"
        yield f"> {_where(citation)}"
        yield ""
    if row.answer:
        told = [f"as of {row.answer.as_of}", f"model {escaped(row.answer.model)}", *map(escaped, row.answer.warnings)]
        yield f"*{'; '.join(told)}*"
        yield ""


def _quote(citation: Citation) -> str:
    return f"\\[{citation.n}\\] “{escaped(citation.quote)}”"


def _where(citation: Citation) -> str:
    url = web_url(citation.url)
    name = escaped(source_line(citation))
    # What would end the target or escape in it, percent-encoded.
    target = re.sub(r"[<>\\]", lambda found: f"%{ord(found[0]):02X}", url) if url else ""
    linked = f"[{name}](<{target}>)" if target else f"{name}, article {escaped(citation.article_id)}"
    return "; ".join([linked, *map(escaped, remarks(citation))])


def escaped(text: str) -> str:
    """``text`` on one line, so that it renders as itself."""
    marked = _SPECIAL.sub(lambda found: "\\" + found[0], flat(text))
    return _STARTS_BLOCK.sub(lambda found: f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}", marked)
