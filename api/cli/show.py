"""Answers and passages as people read them. Words of articles and models are shown, never obeyed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text

from api.cli.output import one_line, safe
from api.urls import web_url

if TYPE_CHECKING:
    from rich.console import Console

    from qa.models import Answer, Citation, Hit, Retrieved

_INDENT = "    "


def show_answer(console: Console, answer: Answer, *, text: bool = True) -> None:
    """The answer's text (left out where it was streamed already), what was asked if not as typed, its citations."""
    if text:
        console.print(Text(safe(answer.text)))
    if answer.rewritten_question is not None:
        console.print(Text(f"(searched as: {one_line(answer.rewritten_question)})", style="dim"))
    for citation in answer.citations:
        console.print()
        console.print(_citation(citation))


def _citation(citation: Citation) -> Text:
    """Number, date, source and title; the quote; where to read it; what else is known of it."""
    shown = Text(f"[{citation.n}] ", style="bold")
    shown.append(heading(citation.published, citation.source, citation.title))
    shown.append(f"\n{_INDENT}“{one_line(citation.quote)}”", style="not bold italic")
    shown.append("\n").append_text(_place(citation.url, citation.article_id))
    remarks = []
    if not citation.supported:
        remarks.append("the quote does not bear this out")
    if citation.superseded_by is not None:
        remarks.append(f"superseded by [{citation.superseded_by}]")
    if citation.also_reported_by:
        remarks.append("also reported by " + ", ".join(map(one_line, citation.also_reported_by)))
    for remark in remarks:
        shown.append(f"\n{_INDENT}{remark}", style="not bold yellow")
    return shown


def show_hits(console: Console, found: Retrieved, *, explain: bool) -> None:
    """The passages found, best first, each with its score; ``explain`` adds how it came about."""
    if explain and found.weighting:
        console.print(Text(f"weight of age: {one_line(found.weighting)}", style="cyan"))
        console.print()
    for rank, hit in enumerate(found.hits, start=1):
        if rank > 1:
            console.print()
        console.print(_hit(rank, hit, explain))


def _hit(rank: int, hit: Hit, explain: bool) -> Text:
    passage = hit.passage
    shown = Text(f"{rank}. ", style="bold")
    shown.append(f"{passage.score:.3f}  ", style="not bold cyan")
    shown.append(heading(passage.published, passage.source, passage.title))
    if explain:
        shown.append(f"\n{_INDENT}{_parts(hit)}", style="not bold cyan")
    shown.append(f"\n{_INDENT}{one_line(passage.text)}", style="not bold")
    shown.append("\n").append_text(_place(passage.url, passage.article_id))
    return shown


def _parts(hit: Hit) -> str:
    similarity = "" if hit.similarity is None else f" (similarity {hit.similarity:.3f})"
    dense = "not found" if hit.dense_rank is None else f"rank {hit.dense_rank}"
    lexical = "not found" if hit.lexical_rank is None else f"rank {hit.lexical_rank}"
    age = "undated" if hit.age_days is None else f"{hit.age_days} days old"
    found = f"meaning: {dense}{similarity}; words: {lexical}; fused {hit.fused:.4f}"
    if hit.reranked is not None:
        score = "not read" if hit.rerank_score is None else f"score {hit.rerank_score:.2f}"
        found += f"; reranked {hit.reranked:.4f} ({score})"
    return f"{found} x {hit.age_weight:.2f} ({age})"


def heading(published: date | None, source: str | None, title: str | None) -> str:
    """Date, source and title of an article on one line; what it does not have is left out."""
    parts = [published.isoformat() if published else "undated", one_line(source or ""), one_line(title or "")]
    return "  ".join(part for part in parts if part)


def _place(url: str | None, article_id: str) -> Text:
    """Where to read it, which a terminal that knows links (OSC 8) makes one of."""
    where = one_line(url) if url else f"article {one_line(article_id)}"
    link = web_url(url)
    style = Style(bold=False, dim=True, link=link) if link else "not bold dim"
    return Text(_INDENT).append(where, style=style)
