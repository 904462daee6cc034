"""Pure: how the sentences of an answer are shown, and what of them is checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from qa.claims import Claim, neutralise, round_brackets, unmarked
from qa.dates import annotate
from qa.declining import declines_abroad
from qa.links import urls, without_links
from qa.text import STOPWORDS
from qa.verdicts import Verdict

LATEST, EARLIER, LATER = "Latest report", "Reported before", "Later report"
"""How a quoted sentence is led in, its date in brackets behind: what supersedes another, what is superseded, and what
came after that which a chat model says."""

_ASIDES = frozenset(
    """
    answer answers article articles based brief briefly conclusion detail details facts finding findings follow
    following follows information key main note notes overall passage passages point points provided question reference
    references report reports short source sources summarise summarize summary takeaway takeaways
    """.split()
)
"""Words of headings and openings that say nothing themselves: "Key points:", "Based on the articles:"."""
_SOURCES = (
    r"(?:(?:all|any|available|given|none|of|news|numbered|provided|supplied|the|these|your) )*"
    r"(?:articles?|passages?|sources?|documents?|texts?|context)(?: (?:above|given|i have|provided|shown|supplied))?"
)
_NOT = r"(?:(?:can|could|did|do|does) not|cannot|(?:can|couldn|didn|don|doesn)'t)"
_TELL = (
    "address|answer|contain|cover|describe|discuss|explain|give|have|hold|include|indicate|mention|name|offer|provide|"
    "report|reveal|say|specify|state|tell"
)
_SORRY = (
    rf"(?:(?:i'm|i am) )?(?:afraid|sorry)|answer|but|however|regrettably|unfortunately|(?:based on|from) {_SOURCES}"
)
_DECLINES = re.compile(
    rf"(?:(?:{_SORRY}) )*(?:{_SOURCES} {_NOT} (?:[a-z]+ly )?(?:{_TELL})\b"
    rf"|(?:neither|none) of {_SOURCES} (?:{_TELL})s?\b"
    rf"|there is (?:no|not enough) (?:answer|information|mention)\b.* in {_SOURCES}$"
    rf"|i (?:{_NOT} (?:answer|know|say|tell)|(?:am|was) (?:not able|unable) to (?:answer|say|tell))"
    r"(?: (?:based|from|how|if|that|the (?:answer|question)|this|what|when|where|whether|which|who|why)\b.*)?$)"
)
_TURNS = frozenset("although but however nevertheless though yet".split())
_CLOSING = " \t\n.!?\u2026\"\u201d'\u2019\u00bb*_:"
_SHOWN = 60


def quoted(text: str, published: date | None, lead: str = "") -> str:
    """An article's sentence as an answer shows it, with the days that "this Monday" and the like mean.

    Behind a ``lead`` and the date it stands in quotation marks.
    """
    own = urls(text)
    shown = annotate(without_links(neutralise(text), own.__contains__).text, published)
    return f"{lead} ({published}): \u201c{shown}\u201d" if lead else shown


def says_something(said: Sequence[str]) -> bool:
    """Whether there is anything to check: neither an item's number alone nor an aside."""
    aside = all(word in STOPWORDS or word in _ASIDES for word in said)
    return not aside and (len(said) > 1 or len(said[0]) > 2)


def declines(said: Sequence[str]) -> bool:
    """Whether a sentence, in words, says that the articles do not answer: "Unfortunately, the passages don't say."

    One that turns to something else does not: "The articles do not say when, but he went". Any other may still be what
    an article says of other documents.
    """
    text = " ".join(said)
    found = _DECLINES.match(text)
    return (found is not None and _TURNS.isdisjoint(text[found.end() :].split())) or declines_abroad(text)


def as_checked(text: str) -> str:
    """What of a sentence is checked: neither marks of Markdown nor the URLs it may show."""
    return claim_as_checked(Claim("", text, ())).text


def claim_as_checked(claim: Claim) -> Claim:
    """The same of a claim, its markers where they are then."""
    text, places = unmarked(claim.text, [at for at, _ in claim.markers])
    if "." in text:
        cleaned = without_links(text, lambda _url: False, places)
        text, places = cleaned.text, list(cleaned.moved)
    markers = tuple((at, numbers) for at, (_, numbers) in zip(places, claim.markers, strict=True))
    return Claim(claim.gap, text, markers)


def told_of(text: str, verdict: Verdict) -> str:
    """The warning for a sentence that was left out, with no more of it than tells which."""
    shown = neutralise(text).replace('"', "'")
    cut = shown if len(shown) <= _SHOWN else shown[:_SHOWN].rstrip() + "\u2026"
    return f'left out a sentence ({verdict.kind}): {verdict.reason}: "{cut}"'


def end_of_words(text: str) -> int:
    """Where the last word of a sentence ends, before final punctuation and what closes."""
    return len(text.rstrip(_CLOSING))


def render(text: str, markers: Sequence[tuple[int, Sequence[int]]]) -> str:
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
