"""Puts an answer together sentence by sentence: numbers the citations, attaches checked quotes, keeps the invariant.

For every citation ``article.text[start:end] == quote``; every ``[n]`` in the text has its citation, every citation is
used, and they count from 1 in order of first use. What has been handed out is never changed afterwards.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from qa.change import newest_first, newest_report, overlap, tells
from qa.citations import Quote, Similarity, Verdict, best_quote, find_support, judge
from qa.claims import Claim
from qa.events import CitationEvent, DeltaEvent, Event, SentenceEvent
from qa.links import plain_url, urls, without_links
from qa.models import Citation, Passage, Sentence
from qa.phrasing import (
    EARLIER,
    LATER,
    LATEST,
    claim_as_checked,
    declines,
    end_of_words,
    quoted,
    render,
    says_something,
    told_of,
)
from qa.prompt import ABSTENTION
from qa.reader import MAX_SENTENCES, Picked
from qa.text import words
from qa.tokens import estimate_tokens

Unsupported = Literal["drop", "flag", "keep"]
"""What becomes of a sentence that its source neither says nor contradicts."""

UNSUPPORTED_MARK = "(not supported by the articles)"
"""Stands before the end of a sentence that is flagged."""

_Key = tuple[str, int, int, bool, bool]
"""What a citation is: chunk, start and end of its quote, whether that bears the sentence out, whether it is superseded.
One quote may back one sentence and fail another, or be out of date only in what one of them says."""

_ABSTENTION_WORDS = words(ABSTENTION)
_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class _Checked:
    """What a sentence rests on: its quotes by the number the model gave (0: none), and the verdict on it."""

    quotes: Mapping[int, Quote]
    verdict: Verdict
    by_check: bool = False


class Assembly:
    """An answer in the making. ``passages`` are those the model was shown, in the order of their numbers.

    ``unsupported`` says what becomes of sentences that are not supported; one whose number, date, name, "not" or
    quotation is wrong is left out whatever it says. ``similarity`` tells how near two texts are in meaning.
    """

    def __init__(
        self, passages: Sequence[Passage], *, unsupported: Unsupported = "flag", similarity: Similarity | None = None
    ) -> None:
        self._passages = passages
        self._unsupported = unsupported
        self._similarity = similarity
        self._numbers: dict[_Key, int] = {}
        self._reported: dict[tuple[str, int, int], int] = {}
        self._pieces: list[str] = []
        self._length = 0
        self._lost_markers = 0
        self._lost_links = 0
        self._left_out: list[str] = []
        self._declined = False
        self.sentences: list[Sentence] = []
        self.citations: list[Citation] = []
        self.shortened = False

    @property
    def text(self) -> str:
        """All that was handed out so far."""
        return "".join(self._pieces)

    @property
    def abstained(self) -> bool:
        """Whether there is nothing to say."""
        return not self.sentences

    @property
    def declined(self) -> bool:
        """Whether the model said that the articles do not answer the question."""
        return self._declined

    @property
    def refused(self) -> int:
        """How many sentences were left out."""
        return len(self._left_out)

    def warnings(self) -> list[str]:
        """What the reader of the answer should know."""
        found = []
        if self._lost_markers:
            what = "marker that points" if self._lost_markers == 1 else "markers that point"
            found.append(f"removed {self._lost_markers} citation {what} to no passage")
        if self._lost_links:
            what = "link or image that is" if self._lost_links == 1 else "links or images that are"
            found.append(f"removed {self._lost_links} {what} not in the passages")
        found += self._left_out[:_MOST_TOLD]
        if more := len(self._left_out) - _MOST_TOLD:
            found += [f"left out {more} more {'sentence' if more == 1 else 'sentences'}"] if more > 0 else []
        if unsupported := sum(not sentence.supported for sentence in self.sentences):
            found.append(f"{unsupported} of {len(self.sentences)} sentences not supported by the passages")
        if self.abstained and not self._declined and not self._left_out:
            found.append("the model's reply was empty")
        return found

    def abstain(self) -> list[Event]:
        """Say that the articles do not say; only while nothing else was handed out."""
        self._declined = True
        self._pieces.append(ABSTENTION)
        return [DeltaEvent(ABSTENTION)]

    def add_claim(self, claim: Claim) -> list[Event]:
        """Take in a sentence of a model's reply: its markers resolved, its support checked."""
        named = dict.fromkeys(number for _, numbers in claim.markers for number in numbers)
        known = [number for number in named if 1 <= number <= len(self._passages)]
        self._lost_markers += len(named) - len(known)
        claim = self._without_foreign_links(claim, known)
        said = words(claim.text)
        declined = declines(said)
        if said[: len(_ABSTENTION_WORDS)] == _ABSTENTION_WORDS and (declined or not known):
            self._declined = True
            return []
        if not said or not (known or says_something(said)):
            self._declined |= declined
            return []
        checked = self._check(claim_as_checked(claim), known)
        verdict = checked.verdict
        if declined and not verdict.supported:
            self._declined = True
            return []
        if not verdict.supported and (verdict.contradicted or self._unsupported == "drop"):
            self._left_out.append(told_of(claim.text, verdict))
            return []
        return self._tell(claim, checked)

    def add_quotes(self, picked: Sequence[Picked], *, max_tokens: int | None = None) -> list[Event]:
        """Take in the sentences the embedded reader quotes; the text says which days "this Monday" and the like mean.

        One that a later passage supersedes stands behind the sentence that does, both with their dates. Beyond about
        ``max_tokens`` no sentence is added to the first.
        """
        reports = newest_first([one.quote for one in picked], self._passages, MAX_SENTENCES)
        latest = {_span(report.newer) for report in reports if report.newer}
        events: list[Event] = []
        for report in reports:
            if max_tokens and events and estimate_tokens(f"{self.text} {report.quote.text}") > max_tokens:
                self.shortened = True
                break
            lead = EARLIER if report.newer else LATEST if _span(report.quote) in latest else ""
            events += self._add_report(report.quote, lead, report.newer)
        return events

    def _add_report(self, quote: Quote, lead: str, newer: Quote | None = None) -> list[Event]:
        """Quote a sentence, with its date after ``lead`` if there is one. What supersedes it was cited before."""
        key = (*_span(quote), True, newer is not None)
        number, event = self._cite(quote, key, superseded_by=self._reported.get(_span(newer)) if newer else None)
        self._reported[_span(quote)] = number
        shown = quoted(quote.text, quote.passage.published, lead)
        return self._say(" ", f"{shown} [{number}]".strip(), (number,), Verdict(True), event)

    def _without_foreign_links(self, claim: Claim, known: Sequence[int]) -> Claim:
        """The claim without links, and without URLs other than those its passages have, or come from."""
        own: set[str] = set()
        if urls(claim.text):
            own = {plain_url(url) for number in known if (url := self._passages[number - 1].url)}
            own = own.union(*(urls(passage.text) for passage in self._passages))
        cleaned = without_links(claim.text, own.__contains__, [at for at, _ in claim.markers])
        self._lost_links += cleaned.removed
        markers = tuple((at, numbers) for at, (_, numbers) in zip(cleaned.moved, claim.markers, strict=True))
        return Claim(claim.gap, cleaned.text, markers)

    def _check(self, claim: Claim, known: Sequence[int]) -> _Checked:
        """Judge a sentence by the passages it names, else by whichever supports it."""
        text = claim.text
        quotes = {number: best_quote(text, self._passages[number - 1]) for number in known}
        verdict = self._judge(claim, quotes)
        if verdict.supported:
            return _Checked(quotes, verdict)
        if found := find_support(text, self._passages, similarity=self._similarity):
            return _Checked(dict(enumerate(found, start=-len(found))), Verdict(True), by_check=True)
        if not quotes:
            # It names nothing to hold it against, so all that was shown must at least hold its numbers and names.
            shown = [best_quote(text, passage) for passage in self._passages]
            against = judge(text, shown)
            verdict = against if against.contradicted else verdict
        return _Checked(quotes, verdict)

    def _tell(self, claim: Claim, checked: _Checked) -> list[Event]:
        """Hand out a sentence with its citations; behind it what was reported later, if that is not said already."""
        as_said = claim_as_checked(claim)
        text = as_said.text
        supported = {n: checked.verdict.supported and self._bears(as_said, n, checked.quotes) for n in checked.quotes}
        newer = {
            n: later
            for n, quote in checked.quotes.items()
            if supported[n] and (later := newest_report(quote, self._passages, text))
        }
        keys = {n: (*_span(quote), supported[n], n in newer) for n, quote in checked.quotes.items()}
        cited = {n: self._number(key) for n, key in keys.items()}
        told = {n: self._told_in(later, text, checked.quotes, cited) for n, later in newer.items()}
        # What is told behind the sentence has its number before the sentence's citations are sent.
        later_on = {_span(later): later for n, later in newer.items() if told[n] is None}
        reserved = {span: self._number((*span, True, False)) for span in later_on}
        events: list[Event] = []
        for n, quote in checked.quotes.items():
            by = (told[n] or reserved[_span(newer[n])]) if n in newer else None
            events += self._cite(quote, keys[n], by_check=checked.by_check, superseded_by=by)[1]
        markers = list(claim.markers)
        if checked.by_check:
            markers = [(end_of_words(claim.text), tuple(checked.quotes))]
        shown = render(claim.text, [(at, [cited[n] for n in numbers if n in cited]) for at, numbers in markers])
        if not checked.verdict.supported and self._unsupported == "flag":
            at = end_of_words(shown)
            shown = f"{shown[:at]} {UNSUPPORTED_MARK}{shown[at:]}"
        events = self._say(claim.gap, shown, tuple(cited.values()), checked.verdict, events)
        for later in later_on.values():
            events += self._add_report(later, LATER)
        return events

    def _told_in(self, newer: Quote, text: str, quotes: Mapping[int, Quote], cited: Mapping[int, int]) -> int | None:
        """The citation by which the answer, with the sentence ``text`` at its end, says what ``newer`` reports."""
        for n, quote in quotes.items():
            if overlap(quote, newer) and tells(text, newer):
                return cited[n]
        for sentence in self.sentences:
            cites = [self.citations[n - 1] for n in sentence.citations if _shares(self.citations[n - 1], newer)]
            if cites and tells(self.text[sentence.start : sentence.end], newer):
                return cites[0].n
        return None

    def _bears(self, claim: Claim, number: int, quotes: Mapping[int, Quote]) -> bool:
        """Whether one of the quotes behind a supported sentence does something for it.

        It does when it supports the sentence by itself, or when the others do not support it without (citation
        precision of ALCE).
        """
        others = {other: quote for other, quote in quotes.items() if other != number}
        if not others or self._judge(claim, {number: quotes[number]}).supported:
            return True
        return not self._judge(claim, others).supported

    def _judge(self, claim: Claim, quotes: Mapping[int, Quote]) -> Verdict:
        """The verdict on a sentence that cites ``quotes`` where its markers stand."""
        cited_at = [[at for at, numbers in claim.markers if number in numbers] for number in quotes]
        return judge(claim.text, list(quotes.values()), cited_at=cited_at, similarity=self._similarity)

    def _number(self, key: _Key) -> int:
        """The number of a citation, which is the next one if it has none yet."""
        return self._numbers.setdefault(key, len(self._numbers) + 1)

    def _cite(
        self, quote: Quote, key: _Key, *, by_check: bool = False, superseded_by: int | None = None
    ) -> tuple[int, list[Event]]:
        number = self._number(key)
        if number <= len(self.citations):
            return number, []
        passage = quote.passage
        citation = Citation(
            n=number,
            article_id=passage.article_id,
            chunk_id=passage.chunk_id,
            title=passage.title,
            url=passage.url,
            source=passage.source,
            published=passage.published,
            published_from=passage.published_from,
            quote=quote.text,
            start=quote.start,
            end=quote.end,
            supported=key[3],
            attributed="by_check" if by_check else "by_model",
            also_reported_by=passage.also_reported_by,
            superseded_by=superseded_by,
        )
        self.citations.append(citation)
        return number, [CitationEvent(citation)]

    def _say(self, gap: str, text: str, cited: Collection[int], verdict: Verdict, events: list[Event]) -> list[Event]:
        gap = (gap or " ") if self._pieces else ""
        start = self._length + len(gap)
        self._pieces.append(gap + text)
        self._length = start + len(text)
        sentence = Sentence(
            start=start,
            end=self._length,
            supported=verdict.supported,
            reason=verdict.reason,
            citations=tuple(sorted(set(cited))),
        )
        self.sentences.append(sentence)
        return [*events, DeltaEvent(gap + text), SentenceEvent(sentence)]


def _shares(citation: Citation, quote: Quote) -> bool:
    """Whether a citation is of words of ``quote``, and bears out what it is cited for."""
    same = citation.article_id == quote.passage.article_id and citation.supported
    return same and citation.start < quote.end and quote.start < citation.end


def _span(quote: Quote) -> tuple[str, int, int]:
    return quote.passage.chunk_id, quote.start, quote.end
