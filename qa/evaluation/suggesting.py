"""Pure: draft questions about an article, for a person to accept or edit: by templates, or as a chat model says them.

The templates blank out a number, a date or a name of a sentence. Such a draft quotes its article, so it is found more
easily than what people ask: it is there to be reworded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files

from qa.claims import neutralise
from qa.evaluation.items import holds, plain
from qa.evidence import Facts, facts
from qa.models import Article
from qa.prompt import Message, readable
from qa.text import sentences

KINDS = ("number", "date", "name")
MAX_REPLY_CHARS = 1_000
"""A model's draft is read no further."""

_WORDS = (8, 40)
"""Words of a sentence that is blanked: fewer say too little, more are no question."""
_READ = 4_000
"""So many characters of an article are looked at, or shown to a model: news begin with what is new."""
_GAP = "____"
_LONGEST_QUESTION, _LONGEST_ANSWER = 300, 80
_REPLY = re.compile(r"\s*question:\s*(?P<question>[^\n]+)\n+\s*answer:\s*(?P<answer>[^\n]+?)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Draft:
    """A question and its answer, which is one of :data:`KINDS`; ``quote`` is the sentence that says so."""

    question: str
    answer: str
    kind: str
    quote: str
    article: Article

    @property
    def as_of(self) -> date | None:
        """The day on which the article can be known."""
        return self.article.published

    @property
    def gold(self) -> str:
        """What the article is called by in an evaluation set."""
        return self.article.url or self.article.id


def drafts(article: Article, first: str) -> list[Draft]:
    """Drafts by templates, those of the kind ``first`` first, else in the order of the text; at most one a sentence
    and kind."""
    found = []
    text = article.text[:_READ]
    for start, end in sentences(text):
        said = neutralise(text[start:end])
        if _WORDS[0] <= len(said.split()) <= _WORDS[1] and said[-1:] in '.!?"”':
            found += list(_of_sentence(said, facts(said, article.published), article))
    return sorted(found, key=lambda draft: draft.kind != first)


def messages(article: Article) -> list[Message]:
    """What asks a chat model for a draft about ``article``."""
    title = f"{' '.join(readable(article.title).split())}\n\n" if article.title else ""
    told = f"<article>\n{title}{readable(article.text[:_READ])}\n</article>"
    return [Message("system", _template()), Message("user", told)]


def accepted(reply: str, article: Article) -> Draft | None:
    """The draft in a model's reply; None when it is none that can be used.

    It is a question on one line, and a short answer that stands in the article as shown and not in the question.
    """
    match = _REPLY.fullmatch(reply.strip())
    if not match:
        return None
    question, answer = match["question"].strip(), match["answer"].strip().rstrip(".")
    text = article.text[:_READ]
    short = len(question) <= _LONGEST_QUESTION and len(answer) <= _LONGEST_ANSWER
    if not (short and question.isprintable() and answer.isprintable() and question.endswith(("?", "？"))):
        return None
    if not plain(answer) or not holds(text, [answer]) or holds(question, [answer]):
        return None
    quote = next((text[a:b] for a, b in sentences(text) if holds(text[a:b], [answer])), "")
    return Draft(question, answer, _kind_of(answer), neutralise(quote), article)


def _of_sentence(said: str, found: Facts, article: Article) -> Iterator[Draft]:
    places: list[tuple[str, int, int]] = [
        *(("number", one.first, one.last) for one in found.figures if not one.ordinal and not one.soft),
        *(("date", one.first, one.last) for one in found.moments),
        *(("name", one.first, one.last) for one in found.names if one.sure and not one.opens),
    ]
    taken: set[str] = set()
    for kind, first, last in places:
        tokens = found.told.tokens
        start, end = tokens[first].start, tokens[last - 1].end
        answer = said[start:end]
        # What stands in it twice gives itself away; a weekday is a date only to who knows the week.
        telling = any(char.isdigit() for char in answer) if kind == "date" else True
        if kind in taken or not telling or holds(said[:start] + _GAP + said[end:], [answer]):
            continue
        taken.add(kind)
        yield Draft(f"{_asks(kind)} “{said[:start]}{_GAP}{said[end:]}”", answer, kind, said, article)


def _asks(kind: str) -> str:
    return {"number": "Which number is left out?", "date": "Which date is left out?"}.get(
        kind, "Who or what is left out?"
    )


def _kind_of(answer: str) -> str:
    found = facts(answer, None)
    return "date" if found.moments else "number" if found.figures else "name"


@lru_cache(maxsize=1)
def _template() -> str:
    return files("qa.templates").joinpath("suggest.txt").read_text(encoding="utf-8")


def first_unused(some: Sequence[Draft], used: set[tuple[str, str]]) -> Draft | None:
    """The first draft whose sentence of its article was not used, which it then is; None where there is none."""
    for draft in some:
        key = (draft.article.id, draft.quote)
        if key not in used:
            used.add(key)
            return draft
    return None
