"""Pure: citation precision and recall as ALCE defines them, for any judge of whether passages support a sentence.

Recall: the share of an answer's sentences that cite something and that all they cite together supports. Precision: the
share of its citations that do something: those of a supported sentence that support it alone, or without which the rest
does not. Source: Gao, Yen, Yu and Chen 2023, "Enabling large language models to generate text with citations".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from qa.citations import Quote, judge
from qa.evaluation.answers import said
from qa.evaluation.items import Cited
from qa.models import Answer, Citation, Passage
from qa.phrasing import EARLIER, LATER, LATEST, as_checked

_LED_IN = re.compile(rf"(?:{LATEST}|{EARLIER}|{LATER}) \([^()]*\): “(?P<words>.*)”", re.DOTALL)
_DAY = r"\d{4}(?:-\d\d){0,2}"
_DAYS = re.compile(rf" \[{_DAY}(?: to {_DAY})?\]")
_UNSUPPORTED = " (not supported by the articles)"


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence, and the citations whose support of it is asked about (their numbers, in order).

    ``whole``: they are all that the sentence cites.
    """

    text: str
    cited: tuple[int, ...]
    whole: bool = field(default=False, compare=False)


def claims(answer: Answer) -> Iterator[Claim]:
    """Every question to the judge that an answer's figures take: of each sentence all that it cites together, each
    citation alone, and all but each. Sentences without citations raise none."""
    for text, cited in _sentences(answer):
        if cited:
            yield from dict.fromkeys(
                (
                    Claim(text, cited, whole=True),
                    *(Claim(text, (one,)) for one in cited),
                    *(Claim(text, _without(cited, one)) for one in cited if len(cited) > 1),
                )
            )


def scores(answer: Answer, supported: Mapping[Claim, bool]) -> Cited:
    """Precision and recall, given the verdict on each of :func:`claims`. Without sentences or citations they are 0."""
    sentences = list(_sentences(answer))
    borne, citations, useful = 0, 0, 0
    for text, cited in sentences:
        citations += len(cited)
        if not cited or not supported[Claim(text, cited)]:
            continue
        borne += 1
        for one in cited:
            alone = supported[Claim(text, (one,))]
            useful += alone or not supported.get(Claim(text, _without(cited, one)), False)
    return Cited(
        precision=useful / citations if citations else 0.0, recall=borne / len(sentences) if sentences else 0.0
    )


def sources(claim: Claim, answer: Answer) -> list[tuple[date | None, str]]:
    """Day of publication and text of the passages behind a claim's citations, each once, in their order."""
    cited = (one for one in answer.citations if one.n in claim.cited)
    passages = (_quote(one, answer.passages).passage for one in cited)
    return list(dict.fromkeys((passage.published, passage.text) for passage in passages))


def by_support_check(claim: Claim, answer: Answer) -> bool:
    """The judge that is always there: Dateline's own check, words alone deciding, no embedding model.

    Dates, numbers, names and quotations are looked for in the whole passages cited, other words in the quotes.
    """
    quotes = [_quote(one, answer.passages) for one in answer.citations if one.n in claim.cited]
    return judge(claim.text, quotes).supported


def _sentences(answer: Answer) -> Iterator[tuple[str, tuple[int, ...]]]:
    """What each sentence claims, and what it cites."""
    for sentence in answer.sentences:
        yield _claimed(answer.text[sentence.start : sentence.end]), tuple(dict.fromkeys(sentence.citations))


def _claimed(text: str) -> str:
    """A sentence as it was before Dateline put its markers, days in brackets and lead-ins to it."""
    text = _DAYS.sub("", said(text).replace(_UNSUPPORTED, "")).strip()
    led_in = _LED_IN.fullmatch(text)
    return as_checked(led_in["words"] if led_in else text)


def _without(cited: Sequence[int], number: int) -> tuple[int, ...]:
    return tuple(one for one in cited if one != number)


def _quote(citation: Citation, passages: Sequence[Passage]) -> Quote:
    """The quote within its passage; within itself where the passage was not handed on."""
    for passage in passages:
        same = passage.article_id == citation.article_id
        if same and passage.start <= citation.start and citation.end <= passage.end:
            return Quote(passage, citation.start, citation.end, 1.0)
    alone = Passage(
        chunk_id=citation.chunk_id,
        article_id=citation.article_id,
        score=0.0,
        text=citation.quote,
        start=citation.start,
        end=citation.end,
        published=citation.published,
        title=citation.title,
        url=citation.url,
        source=citation.source,
    )
    return Quote(alone, citation.start, citation.end, 1.0)
