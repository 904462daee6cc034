"""Puts an answer together sentence by sentence: numbers the citations, attaches checked quotes, keeps the invariant.

For every citation ``article.text[start:end] == quote``; every ``[n]`` in the text has its citation, every citation is
used, and they count from 1 in order of first use. What has been handed out is never changed afterwards.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from qa.citations import Quote, Similarity, Verdict, best_quote, find_support, judge
from qa.claims import Claim, neutralise, round_brackets, unmarked
from qa.dates import annotate
from qa.events import CitationEvent, DeltaEvent, Event, SentenceEvent
from qa.links import plain_url, urls, without_links
from qa.models import Citation, Passage, Sentence
from qa.prompt import ABSTENTION
from qa.reader import Picked
from qa.text import STOPWORDS, words

Unsupported = Literal["drop", "flag", "keep"]
"""What becomes of a sentence that its source neither says nor contradicts."""

UNSUPPORTED_MARK = "(not supported by the articles)"
"""Stands before the end of a sentence that is flagged."""

_ABSTENTION_WORDS = words(ABSTENTION)
_ASIDES = frozenset(
    """
    answer answers article articles based brief briefly conclusion detail details facts finding findings follow
    following follows information key main note notes overall passage passages point points provided question reference
    references report reports short source sources summarise summarize summary takeaway takeaways
    """.split()
)
"""Words of headings and openings that say nothing themselves: "Key points:", "Based on the articles:"."""
_CLOSING = " \t\n.!?\u2026\"\u201d'\u2019\u00bb*_:"
_MOST_TOLD = 3
_SHOWN = 60


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
        self._numbers: dict[tuple[str, int, int, bool], int] = {}
        self._pieces: list[str] = []
        self._length = 0
        self._lost_markers = 0
        self._lost_links = 0
        self._left_out: list[str] = []
        self._declined = False
        self.sentences: list[Sentence] = []
        self.citations: list[Citation] = []

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
        if said[: len(_ABSTENTION_WORDS)] == _ABSTENTION_WORDS:
            self._declined = True
            return []
        if not said or not (known or _says_something(said)):
            return []
        checked = self._check(_as_checked(claim.text), known)
        verdict = checked.verdict
        if not verdict.supported and (verdict.contradicted or self._unsupported == "drop"):
            self._left_out.append(_told_of(claim.text, verdict))
            return []
        return self._tell(claim, checked)

    def add_quote(self, picked: Picked) -> list[Event]:
        """Take in a sentence the embedded reader quotes; the text says which days "this Monday" and the like mean."""
        number, events = self._cite(picked.quote, supported=True, by_check=False)
        own = urls(picked.quote.text)
        shown = without_links(neutralise(picked.quote.text), own.__contains__).text
        shown = annotate(shown, picked.quote.passage.published)
        return self._say(" ", f"{shown} [{number}]".strip(), (number,), Verdict(True), events)

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

    def _check(self, text: str, known: Sequence[int]) -> _Checked:
        """Judge a sentence by the passages it names, else by whichever supports it."""
        quotes = {number: best_quote(text, self._passages[number - 1]) for number in known}
        verdict = judge(text, list(quotes.values()), similarity=self._similarity)
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
        """Hand out a sentence with its citations."""
        markers = list(claim.markers)
        if checked.by_check:
            markers = [(_end_of_words(claim.text), tuple(checked.quotes))]
        events: list[Event] = []
        cited: dict[int, int] = {}
        for number, quote in checked.quotes.items():
            supported = checked.verdict.supported and self._bears(_as_checked(claim.text), number, checked.quotes)
            cited[number], event = self._cite(quote, supported=supported, by_check=checked.by_check)
            events += event
        text = _render(claim.text, [(at, [cited[n] for n in numbers if n in cited]) for at, numbers in markers])
        if not checked.verdict.supported and self._unsupported == "flag":
            at = _end_of_words(text)
            text = f"{text[:at]} {UNSUPPORTED_MARK}{text[at:]}"
        return self._say(claim.gap, text, tuple(cited.values()), checked.verdict, events)

    def _bears(self, text: str, number: int, quotes: Mapping[int, Quote]) -> bool:
        """Whether one of the quotes behind a supported sentence does something for it.

        It does when it supports the sentence by itself, or when the others do not support it without (citation
        precision of ALCE).
        """
        others = [quote for other, quote in quotes.items() if other != number]
        if not others or judge(text, [quotes[number]], similarity=self._similarity).supported:
            return True
        return not judge(text, others, similarity=self._similarity).supported

    def _cite(self, quote: Quote, *, supported: bool, by_check: bool) -> tuple[int, list[Event]]:
        passage = quote.passage
        # One quote may back one sentence and fail another: the verdict is part of what a citation is.
        key = (passage.chunk_id, quote.start, quote.end, supported)
        if key in self._numbers:
            return self._numbers[key], []
        number = self._numbers[key] = len(self.citations) + 1
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
            supported=supported,
            attributed="by_check" if by_check else "by_model",
            also_reported_by=passage.also_reported_by,
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


def _says_something(said: Sequence[str]) -> bool:
    """Whether there is anything to check: neither an item's number alone nor an aside."""
    aside = all(word in STOPWORDS or word in _ASIDES for word in said)
    return not aside and (len(said) > 1 or len(said[0]) > 2)


def _as_checked(text: str) -> str:
    """What of a sentence is checked: neither marks of Markdown nor the URLs it may show."""
    return without_links(unmarked(text), lambda _url: False).text if "." in text else unmarked(text)


def _told_of(text: str, verdict: Verdict) -> str:
    """The warning for a sentence that was left out, with no more of it than tells which."""
    shown = neutralise(text).replace('"', "'")
    cut = shown if len(shown) <= _SHOWN else shown[:_SHOWN].rstrip() + "\u2026"
    return f'left out a sentence ({verdict.kind}): {verdict.reason}: "{cut}"'


def _end_of_words(text: str) -> int:
    """Where the last word of a sentence ends, before final punctuation and what closes."""
    return len(text.rstrip(_CLOSING))


def _render(text: str, markers: Sequence[tuple[int, Sequence[int]]]) -> str:
    """``text`` with ``[n]`` put in at each offset; brackets of its own that look like markers become round."""
    text = round_brackets(text)
    pieces: list[str] = []
    position = 0
    for at, numbers in markers:
        pieces.append(text[position:at])
        if numbers:
            pieces.append((" " if pieces[-1].strip() else "") + "".join(f"[{n}]" for n in dict.fromkeys(numbers)))
            if text[at : at + 1] == ":" and not text[:at].strip():
                pieces.append(" ")  # lest it be read as the definition of a link
        position = at
    pieces.append(text[position:])
    # A marker that opened the sentence and pointed nowhere leaves its space behind; none becomes a link.
    return "".join(pieces).strip().replace("](", "] (")
