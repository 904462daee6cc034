"""Pure: a batch's rows as people read them, whatever the format: outcome, answer, citations, what they came to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from qa.batch import Result
from qa.errors import InputError
from qa.journal import Outcome
from qa.models import Answer, Citation

_MARKER = re.compile(r"\[(\d+)\]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Shown:
    """One row. Exactly one of ``answer`` and ``error`` is None; ``error`` is its code and message."""

    number: int
    id: str
    question: str
    outcome: Outcome
    answer: Answer | None
    error: tuple[str, str] | None

    @property
    def text(self) -> str:
        """The answer's text; for a failed row why there is none."""
        return self.answer.text if self.answer else f"{self.error[1]} ({self.error[0]})" if self.error else ""

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The answer's, none where it failed."""
        return self.answer.citations if self.answer else ()


@dataclass(frozen=True, slots=True)
class Totals:
    """What the rows came to; ``costs`` by currency, empty where no price was known."""

    rows: int
    answered: int
    abstained: int
    failed: int
    input_tokens: int
    output_tokens: int
    costs: tuple[tuple[str, float], ...]

    def lines(self) -> Iterator[tuple[str, str]]:
        """Name and value of what there is to say."""
        for name in ("answered", "abstained", "failed"):
            yield name, str(getattr(self, name))
        if self.input_tokens or self.output_tokens:
            yield "tokens", f"{self.input_tokens:,} in, {self.output_tokens:,} out"
        for currency, amount in self.costs:
            yield "cost", f"{amount:.4f} {currency}"


def shown(rows: Iterable[Result]) -> list[Shown]:
    """The rows, numbered from 1. Raises ``InputError`` for an answer that does not have the contract's form."""
    return [_shown(number, row) for number, row in enumerate(rows, start=1)]


def _shown(number: int, row: Result) -> Shown:
    if row.answer is None:
        error = row.error or {}
        told = (error.get("code", "internal"), error.get("message", ""))
        return Shown(number, row.id, row.question, "failed", None, told)
    try:
        answer = Answer.model_validate(row.answer)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"the answer is not of a form that is known here: {field}: {first['msg']}",
            where=f"row {row.id}",
        ) from None
    return Shown(number, row.id, row.question, "abstained" if answer.abstained else "answered", answer, None)


def totals(rows: Sequence[Shown]) -> Totals:
    """What all rows came to."""
    outcomes = [row.outcome for row in rows]
    usages = [row.answer.usage for row in rows if row.answer and row.answer.usage]
    costs: dict[str, float] = {}
    for usage in usages:
        if usage.cost:
            costs[usage.cost.currency] = costs.get(usage.cost.currency, 0.0) + usage.cost.amount
    return Totals(
        rows=len(rows),
        answered=outcomes.count("answered"),
        abstained=outcomes.count("abstained"),
        failed=outcomes.count("failed"),
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        costs=tuple(sorted(costs.items())),
    )


def worst_first(rows: Sequence[Shown]) -> list[tuple[str, list[Shown]]]:
    """The rows under headings, those that somebody has to look at first; a heading without rows is left out."""
    groups = [
        ("Failed", [row for row in rows if row.outcome == "failed"]),
        ("The articles do not say", [row for row in rows if row.outcome == "abstained"]),
        ("Answered", [row for row in rows if row.outcome == "answered"]),
    ]
    return [(title, members) for title, members in groups if members]


def parts(text: str, citations: Sequence[Citation]) -> list[tuple[str, int | None]]:
    """``text`` in pieces: words with None, and each marker of a citation that there is with its number."""
    known = {citation.n for citation in citations}
    pieces: list[tuple[str, int | None]] = []
    at = 0
    for found in _MARKER.finditer(text):
        if len(found[1]) < 9 and (n := int(found[1])) in known:
            pieces += [(text[at : found.start()], None), (found[0], n)]
            at = found.end()
    return [*pieces, (text[at:], None)]


def source_line(citation: Citation) -> str:
    """Day, source and title of what is cited, on one line; what is not known is left out."""
    day = citation.published.isoformat() if citation.published else "undated"
    return ", ".join(part for part in (day, flat(citation.source or ""), flat(citation.title or "")) if part)


def remarks(citation: Citation) -> list[str]:
    """What else is known of a citation."""
    told = []
    if not citation.supported:
        told.append("the quote does not bear this out")
    if citation.superseded_by is not None:
        told.append(f"superseded by [{citation.superseded_by}]")
    if citation.also_reported_by:
        told.append("also reported by " + ", ".join(map(flat, citation.also_reported_by)))
    return told


def clean(text: str) -> str:
    """``text`` without control characters, which XML cannot hold, and half characters, which UTF-8 cannot."""
    return _CONTROL.sub("", text)


def flat(text: str) -> str:
    """The same on one line."""
    return " ".join(clean(text).split())
