"""Pure: the words of a question that stand for something it does not say itself: "he", "there", "that day", "its".

Rules for English, after the plain ones of binding: a pronoun that is the subject of a clause within the question, or
possessive, may stand for what came before it in the same question; an object may only where another clause lies between
(Chomsky 1981, in the roughest outline).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from qa.calendar import MONTHS, WEEKDAYS
from qa.history import AUXILIARIES, PREPOSITIONS, QUANTITIES, WH, Name, Token, is_content, names, tokens

_PERSONAL = {"he", "she", "him", "her", "his", "hers"}
_PLURAL = {"they", "them", "their", "theirs"}
_THING = {"it", "its", "this", "these", "those", "that"}
_SUBJECTS = {"he", "she", "they", "it"}
_POSSESSIVES = {"his", "her", "their", "its"}
_OTHERS = {"else", "others", "another"}
_OF_TWO = {"same", "former", "latter"}
_BOUNDARIES = WH | frozenset("that and but or because after before while if since though although until as".split())
_BREAKS = ",:;.?!\u2013\u2014"

UNITS = frozenset("day time year month week moment".split())
PERIODS = frozenset([*WEEKDAYS, *MONTHS]) | frozenset(
    """week weekend month year morning afternoon evening night season spring summer autumn fall winter quarter century
    decade time days past last next coming""".split()
)
"""What makes "this" and "these" speak of the calendar, and not of the conversation."""
_AFTER_THAT = UNITS | frozenset(
    """place city town country man woman person event decision law meeting company team deal visit attack vote
    number figure plan report case trip match game election money name group part""".split()
)
_AFTER_THOSE = frozenset("who that in with of from".split())
_PEOPLE = frozenset(
    """president minister premier chancellor mayor governor senator king queen prince princess pope leader chief
    director boss judge man woman boy girl person suspect victim player coach singer actor actress author writer officer
    spokesman spokeswoman candidate ambassador general driver doctor pilot founder owner""".split()
)
_EXPLETIVE = re.compile(
    r"\bis it (?:true|possible|likely|legal|expected|clear|known|worth|safe|that)\b"
    r"|\b(?:does|did|will|would) it take\b|\bit (?:takes|took|rains|rained|snows|snowed)\b|\btime is it\b",
    re.IGNORECASE,
)

Kind = Literal["person", "plural", "thing", "place", "time", "other"]


@dataclass(frozen=True, slots=True)
class Anaphor:
    """``text[start:end]`` of a question; ``behind`` is the word before it, in lower case."""

    text: str
    start: int
    end: int
    kind: Kind
    possessive: bool = False
    behind: str = ""


def anaphors(question: str) -> list[Anaphor]:
    """The words of ``question`` that stand for something it does not say itself, in order."""
    words = tokens(question)
    expletive = [match.span() for match in _EXPLETIVE.finditer(question)]
    own = names(question)
    found = []
    for i, word in enumerate(words):
        if any(start <= word.start < end for start, end in expletive):
            continue
        kind = _kind(words, i)
        if kind and not _said_before(question, words, i, kind, own):
            last = words[i + 1] if kind == "time" and word.low != "then" else word
            behind = words[i - 1].low if i else ""
            text = question[word.start : last.end]
            found.append(Anaphor(text, word.start, last.end, kind, _is_possessive(words, i), behind))
    return found


def _kind(words: Sequence[Token], i: int) -> Kind | None:
    """What kind of thing the word stands for, if it is one that may."""
    word, before = words[i].low, words[i - 1].low if i else ""
    after = words[i + 1].low.removesuffix("'s") if i + 1 < len(words) else ""
    if word in _PERSONAL:
        return "person"
    if word in _PLURAL:
        return "plural"
    if word in _OTHERS or (word in _OF_TWO and before == "the" and (not after or after in AUXILIARIES)):
        return "other"
    if word == "there":
        # "Were there casualties?" speaks of no place, "Who was there?" does.
        exists = after in AUXILIARIES or (
            before in AUXILIARIES and (bool(after) or words[0].low not in {"who", "whom"})
        )
        return None if exists else "place"
    if word == "then":
        return None if before in {"the", "now"} else "time"
    if word == "that":
        if after in UNITS:
            return "time"
        return "thing" if not after or after in _AFTER_THAT or (before in AUXILIARIES and i <= 2) else None
    if word in {"this", "these"}:
        return None if after in PERIODS else "thing"
    if word == "those":
        return None if after in _AFTER_THOSE or after.endswith("ed") else "thing"
    return "thing" if word in _THING else None


def _is_possessive(words: Sequence[Token], i: int) -> bool:
    if words[i].low not in _POSSESSIVES or i + 1 == len(words):
        return False
    return words[i + 1].low not in AUXILIARIES | PREPOSITIONS | _BOUNDARIES


def _is_subject(words: Sequence[Token], i: int) -> bool:
    """Of a clause: "it" is an object where nothing follows that could be its verb."""
    if words[i].low not in _SUBJECTS or (i and words[i - 1].low in PREPOSITIONS):
        return False
    after = words[i + 1].low if i + 1 < len(words) else ""
    return words[i].low != "it" or (bool(after) and after not in PREPOSITIONS | _BOUNDARIES)


def _said_before(question: str, words: Sequence[Token], i: int, kind: Kind, own: Sequence[Name]) -> bool:
    """Whether the question itself says what the word stands for."""
    earlier = words[:i]
    named = [name.start for name in own if name.start < words[i].start and name.place == (kind == "place")]
    if kind == "other":
        return bool(own)
    if kind == "place" and named:
        return True
    said = named + [one.start for one in earlier if _may_be_meant(one, kind)]
    if not said:
        return False
    between = [one for one in earlier[1:] if one.start > min(said)]
    if any(one.low in _BOUNDARIES or question[one.end : one.end + 1] in tuple(_BREAKS) for one in between):
        return True
    # "did he", "is his": the subject of the question itself is what it asks about, unless it has a name before.
    if earlier[-1].low in AUXILIARIES:
        return kind == "person" and bool(named) and _is_subject(words, i)
    asks = kind == "person" and _is_possessive(words, i) and min(said) == words[0].start and words[0].low == "who"
    return (_is_possessive(words, i) or _is_subject(words, i)) and not asks


def _may_be_meant(word: Token, kind: Kind) -> bool:
    """Whether an earlier word of the question may be what a pronoun of that kind stands for."""
    if kind == "person":
        return word.low in _PEOPLE or word.low in {"who", "which", "what"}
    return is_content(word) and word.low not in QUANTITIES
