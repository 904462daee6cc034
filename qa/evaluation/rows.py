"""Pure: one figure a metric for each question. What does not apply to a question is None; a failure counts as 0.

Names: of answer passages ``mrr@10`` and ``hit@k``; of articles the same behind ``articles.``; of evidence, where a set
has it, behind ``evidence.``; times in milliseconds end in ``_ms``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from qa.evaluation import ranked
from qa.evaluation.answers import choice, exact_match, f1, said
from qa.evaluation.items import Asked, Item, holds
from qa.models import Answer, DateRange, Passage

ARTICLES, EVIDENCE = "articles.", "evidence."
STAGES = ("retrieve", "generate", "verify", "total")

Figures = dict[str, float | None]
SameUrl = Callable[[str], str]
"""Gives one form to all ways of writing an article's URL. Raises ``ValueError`` for what is no URL."""


def figures(
    items: Sequence[Item], asked: Sequence[Asked], depth: int, same: SameUrl, *, answers: bool
) -> list[Figures]:
    """The figures of each question, in order. ``answers``: whether any were asked for."""
    found = _retrieval(items, asked, depth, same)
    for row, item, one in zip(found, items, asked, strict=True):
        row.update(_answered(item, one) if answers else {})
        row.update(_times(one) if answers else {"retrieve_ms": one.search_ms})
        row["failed"] = float(one.error is not None)
    return found


def relevant_passages(item: Item, passages: Sequence[Passage], same: SameUrl) -> list[bool]:
    """Which of ``passages`` are answer passages: of a gold article, and holding the words of an answer."""
    gold = set(item.gold)
    return [_name(one, gold, same) in gold and holds(one.text, item.answers) for one in passages]


def _retrieval(items: Sequence[Item], asked: Sequence[Asked], depth: int, same: SameUrl) -> list[Figures]:
    rows: list[Figures] = [{} for _ in items]
    known = [i for i, item in enumerate(items) if item.gold]
    names = [[_name(one, set(items[i].gold), same) for one in asked[i].passages[:depth]] for i in known]
    passages = ranked.of_passages([relevant_passages(items[i], asked[i].passages, same) for i in known], depth)
    articles = ranked.of_articles(names, [items[i].gold for i in known], depth)
    empty_passages = dict.fromkeys(ranked.of_passages([[]], depth)[0])
    empty_articles = dict.fromkeys(ranked.of_articles([[]], [()], depth)[0])
    measured = dict(zip(known, zip(passages, articles, strict=True), strict=True))
    evidence = any(item.evidence for item in items)
    for i, (row, item) in enumerate(zip(rows, items, strict=True)):
        of_passages, of_articles = measured.get(i, (empty_passages, empty_articles))
        # What holds an answer is told where there are answers.
        row.update(of_passages if item.answers else empty_passages)
        row.update({f"{ARTICLES}{name}": value for name, value in of_articles.items()})
        if evidence:
            told = ranked.of_evidence([one.text for one in asked[i].passages], item.evidence or ("",))
            row.update({f"{EVIDENCE}{name}": value if item.evidence else None for name, value in told.items()})
    return rows


def _answered(item: Item, asked: Asked) -> Figures:
    answer = asked.answer
    text = said(answer.text) if answer and not answer.abstained else None
    can = bool(item.answers) and not item.unanswerable
    precision, recall = _citing(asked)
    return {
        "exact_match": _scored(can, text, lambda it: exact_match(it, item.answers)),
        "f1": _scored(can, text, lambda it: f1(it, item.answers)),
        "holds_answer": _scored(can, text, lambda it: float(holds(it, item.answers))),
        "choice_accuracy": _scored(can and bool(item.choices), text, lambda it: choice(it, item.answers, item.choices)),
        "citation_precision": precision,
        "citation_recall": recall,
        "abstained": float(answer.abstained) if answer else None,
        "unanswerable": float(item.unanswerable) if can or item.unanswerable else None,
        "confidence": asked.confidence,
        **_in_time(answer, asked.passages),
        **_spent(answer),
    }


def _citing(asked: Asked) -> tuple[float | None, float | None]:
    """Precision and recall: an abstention has neither; where there is no answer at all, nothing was supported."""
    if asked.cited:
        return asked.cited.precision, asked.cited.recall
    return (0.0, 0.0) if asked.answer is None else (None, None)


def _scored(applies: bool, text: str | None, score: Callable[[str], float]) -> float | None:
    if not applies:
        return None
    return 0.0 if text is None else score(text)


def _in_time(answer: Answer | None, passages: Sequence[Passage]) -> Figures:
    """The share of an answer's citations published within the days asked for (None: no days or no citations), and how
    many passages and citations are of articles published after its as-of date."""
    if answer is None:
        return {"citations_in_range": None, "leaks": None}
    cited = [citation.published for citation in answer.citations]
    asked = answer.date_range
    within = [_within(day, asked) for day in cited] if asked and (asked.start or asked.end) else []
    shown = [*cited, *(one.published for one in (*answer.passages, *passages))]
    return {
        "citations_in_range": sum(within) / len(within) if within else None,
        "leaks": float(sum(day is not None and day > answer.as_of for day in shown)),
    }


def _within(day: date | None, asked: DateRange) -> bool:
    if day is None:
        return False
    return (asked.start is None or day >= asked.start) and (asked.end is None or day <= asked.end)


def _spent(answer: Answer | None) -> Figures:
    usage = answer.usage if answer else None
    return {
        "input_tokens": float(usage.input_tokens) if usage else None,
        "output_tokens": float(usage.output_tokens) if usage else None,
        "cost": usage.cost.amount if usage and usage.cost else None,
    }


def _times(asked: Asked) -> Figures:
    told: Mapping[str, float] = asked.answer.timings_ms.model_dump() if asked.answer else {}
    return {f"{stage}_ms": told.get(stage) for stage in STAGES}


def _name(passage: Passage, gold: set[str], same: SameUrl) -> str:
    """What gold articles are called by: the canonical URL; the id where there is no URL, or that is gold."""
    if passage.article_id in gold or not passage.url:
        return passage.article_id
    try:
        return same(passage.url)
    except ValueError:
        return passage.url
