"""Pure text work shared by ingest, reader and citations: sentences, words, stems.

Offsets count Unicode code points; nothing here changes the text it looks at.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache

_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
# The look-behinds and possessive repeats here and below keep long runs of spaces and of dots from costing their square.
_LINE = re.compile(r"(?<![^\S\n])[^\S\n]*+\n[^\S\n]*")
_END = re.compile(
    r"""
    (?:
        # Final punctuation, what closes after it, and then an upper-case letter or a digit that opens the next.
        (?<![.!?\u2026])[.!?\u2026]++ [\"'\u2019\u201d\u00bb)\]\u300d]*
        (?P<space>\s+)
        (?=[\"'\u2018\u201c\u00ab(\[\u00bf\u00a1\u2014\u2013-]*\s?[^\W_a-z])
      # A scraper ate the space: "regimes.The latter".
      | (?:(?<=[^\W\d_]{2})|(?<=\d\d)|(?<=[)%]))[.!?][\"\u201d]?
        (?P<glued>)
        (?=[\u201c\"]?[A-Z\u00c0-\u00de][a-z\u00df-\u00ff'\u2019]*\s)
      # "Russia.in addition to".
      | (?<=[^\W\d_]{3})\.
        (?P<lower>)
        (?=(?:in|and|but|the|he|she|it|they|this|at|on|for|with|also|however)\s+[a-z])
    )
    """,
    re.VERBOSE,
)
_ABBREVIATIONS = frozenset(
    """
    mr mrs ms mx dr prof rev fr sr jr st gen col lt maj capt sgt cpl cmdr adm sen rep gov pres hon amb insp supt
    no nos art vol pp fig sec ch vs cf al etc approx dept est inc ltd co corp bros assn ave blvd rd mt ft jan
    feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun e.g i.e a.m p.m u.s
    u.k u.n e.u d.c ph.d sra dra srta ud uds ee.uu
    """.split()
)
# Abbreviations that also end sentences: the next word decides.
_EITHER = frozenset(
    """
    u.s u.k u.n e.u d.c a.m p.m inc ltd co corp etc jr sr ph.d ee.uu
    """.split()
)
_OPENERS = frozenset(
    """
    the a an it he she they we i you this that these those there in on at for from but and as after before when
    while if his her their its our my however meanwhile also then now last no not since what who why how
    according both one some many most all another other with by to under over during despite although because so
    yet still
    """.split()
)
_LAST_WORD = re.compile(r"[^\s(\[\"\u201c\u2018]+$")
_NEXT_WORD = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[^\W_]+(?:['\u2019.][^\W_]+)*")
LOOK_AHEAD = 40
"""So many code points on either side of a full stop decide whether it ends a sentence."""

SHORT_LINE = 50
"""A line this long is a wrapped one, unless it ends in punctuation; a shorter one stands alone."""

# What is not seen: control characters, joiners and fillers without width, turns of direction, tags, variation selectors
# beyond those of emoji, lone surrogates. The joiners that Persian and the scripts of India need are kept.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

_BULLETS = frozenset("-*#\u2022\u2013")


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of ``text``, in order, without surrounding white space; [] for blank text.

    Every character that is not white space lies in exactly one span. A blank line always ends a sentence; a single
    line break does when the line is short or ends in punctuation (a heading, a caption) or a list item follows,
    else it is a wrapped line. Full stops after abbreviations, initials and inside numbers do not end a sentence; ones
    whose following space a scraper ate ("regimes.The", "Russia.in addition") do.
    """
    spans: list[tuple[int, int]] = []
    for start, end in _blocks(text):
        position = start
        for match in _END.finditer(text, start, end):
            cut = match.start("space") if match["space"] is not None else match.end()
            if cut <= position or not _is_boundary(text, position, match):
                continue
            _append(spans, text, position, cut)
            position = cut
        _append(spans, text, position, end)
    return spans


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        lead = len(piece) - len(piece.lstrip())
        spans.append((start + lead, start + lead + len(stripped)))


def _blocks(text: str) -> list[tuple[int, int]]:
    """Paragraphs, and within them lines that stand alone."""
    blocks: list[tuple[int, int]] = []
    position = 0
    for match in [*_PARAGRAPH.finditer(text), None]:
        stop = match.start() if match else len(text)
        line_start = position
        for line in _LINE.finditer(text, position, stop):
            before = text[line_start : line.start()].strip()
            after = text[line.end() : line.end() + 1]
            wrapped = len(before) >= SHORT_LINE and before[-1:] not in '.!?:\u2026"\u201d'
            if before and (after in _BULLETS or not (wrapped or after.islower())):
                blocks.append((line_start, line.start()))
                line_start = line.end()
        blocks.append((line_start, stop))
        position = match.end() if match else stop
    return blocks


def _is_boundary(text: str, start: int, match: re.Match[str]) -> bool:
    if match["space"] is None or text[match.start()] != ".":
        return True
    # They hold any abbreviation; a longer look back would make long texts quadratic.
    before = _LAST_WORD.search(text, max(start, match.start() - LOOK_AHEAD), match.start())
    word = before[0].rstrip(".").lower() if before else ""
    following = _NEXT_WORD.search(text, match.end(), match.end() + LOOK_AHEAD)
    following_word = following[0] if following else ""
    opens = following_word.lower() in _OPENERS
    if word in _EITHER:
        return opens
    if len(word) == 1 and word.isalpha():
        return opens and following_word != "I"
    return word not in _ABBREVIATIONS


def visible(text: str) -> str:
    """What people see of ``text``: no control characters but line feed and tab, nothing without width or turned."""
    return _UNSEEN.sub("", text)


def words(text: str) -> list[str]:
    """Lower-cased words and numbers of ``text`` in order, accents folded; "3.8" and "o'neill" stay whole."""
    return list(_WORD.findall(fold(text)))


def fold(text: str) -> str:
    """Case and accents folded, curly apostrophes made straight; the length may change."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKD", text).translate(_FOLDED).casefold()


class _Folded(dict[int, int | None]):
    """For ``str.translate``: combining marks go, the curly apostrophe becomes straight; each looked up once."""

    def __missing__(self, point: int) -> int | None:
        found = None if unicodedata.combining(chr(point)) else point
        self[point] = found
        return found


_FOLDED = _Folded({0x2019: ord("'")})


class _Stemmers(threading.local):
    """One a thread: a stemmer works on the word in place, and two threads would spoil each other's."""

    def __init__(self) -> None:
        import snowballstemmer

        self.english = snowballstemmer.stemmer("english")


@lru_cache(maxsize=1)
def _stemmers() -> _Stemmers:
    return _Stemmers()


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The Snowball English stem of a lower-cased word, its "'s" taken off; numbers stay as they are."""
    word = word.removesuffix("'s")
    if not word.isalpha():
        return word
    stemmed: str = _stemmers().english.stemWord(word)
    return stemmed


STOPWORDS = frozenset(
    """
    a about above after again against all also am an and any are as at be because been before being below
    between both but by can could did do does doing down during each few for from further had has have having he
    her here hers him his how i if in into is it its itself just me more most my no nor not now of off on once
    only or other our out over own said same say says she should so some such than that the their them then
    there these they this those through to too under until up upon very was we were what when where which while
    who whom whose why will with would you your
    """.split()
)


def content_stems(text: str) -> list[str]:
    """Stems of the words of ``text`` that carry meaning, in order, stop words left out."""
    return [stem(word) for word in words(text) if word not in STOPWORDS]
