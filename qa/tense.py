"""Whether a clause speaks of what has been or of what is to come: decides which "Friday" or "May" its writer means.

A few hundred words of English, and the endings of Spanish and Portuguese verbs, stand in for a grammar. They are asked
to be right rather than to know: where cues are missing or disagree the answer is None, since no date is better than a
wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

Tense = Literal["past", "future"]
_Cue = Literal["past", "future", "unclear"]

_BEFORE = 160
_AFTER = 80

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|,")
# A single line break within a sentence of a wrapped text ends nothing; nor does the stop of an abbreviation or initial.
_CLAUSE_END = re.compile(
    r"[;:\"“”«»—()]|[!?…]|(?<![^\n]{60})\n|(?<=[.!?:\"”'’])\n|\n(?=\s*\n)"
    r"|(?<!\b[A-Za-z])(?<!\b[A-Z][a-z])(?<!\b[A-Z][a-z]{2})(?<!\bSept)\.(?=\s+[\"“'‘]?[A-Z])"
)

_PAST = frozenset(
    """
    was were had did didn't wasn't weren't hadn't said told got went came became began brought built bought broke caught
    chose dealt drew drove ate fell felt fought found fled flew forgot froze gave grew held heard hid hit kept knew
    laid led left lent lit lost made meant met paid ran rode rang rose saw sent sold shook shot showed shut sang
    sank sat slept slid spoke spent split spread stood stole struck swore swept swam took taught thought threw
    understood woke wore won withdrew wrote sought sworn seen taken given known shown spoken born drawn driven fallen
    flown gone grown hurt overthrew overturned upheld
    fue fueron dijo hizo tuvo hubo vino puso foi foram disse fez teve veio houve
    """.split()
)
_PAST_ENDING = re.compile(r"(?:[a-z]{2}ed|[a-z]ó|[ai]eron|[ae]ram|[a-z]{2}[eio]u)\Z|[a-z]{2}aron\Z")
_NO_PAST = frozenset(
    """
    united armed red need hundred indeed seed feed speed breed bleed proceed succeed exceed alleged so-called supposed
    unprecedented wicked sacred naked rugged embed shed wed bed sled thou lieu adieu milieu bayou caribou
    """.split()
)
_FUTURE = frozenset("will won't shall we'll i'll he'll she'll they'll it'll you'll upcoming".split())
_FUTURE_ENDING = re.compile(r"[a-z]{2,}r(?:á|án|ão)\Z")
_UNCLEAR = frozenset(
    """
    would could might may should must can wouldn't couldn't shouldn't if unless whether va van vai vão
    """.split()
)
_PRESENT = frozenset(
    """
    is are has have do does begins starts opens ends closes meets votes returns takes kicks faces expires arrives
    leaves heads hosts plays comes goes airs premieres launches resumes holds runs travels flies visits speaks appears
    begin start open meet vote return arrive leave resume close take go come expire make makes remain remains
    """.split()
)
_BE = frozenset("is are be am isn't aren't they're he's she's it's we're".split())
_WAS = frozenset("was were been had".split())
_ARRANGED = frozenset("scheduled expected planned slated due set poised booked likely".split())
"""With "is" of the future, with "was" of a plan that may have failed."""

_INTENDS = frozenset("plans hopes aims intends expects wants prepares plan hope aim intend expect want prepare".split())
# What such verbs are followed by happened: "began to fall on Friday".
_AND_DID = frozenset("began started continued failed managed refused declined came went rallied helped had".split())
_REPORTS = frozenset(
    """
    said told announced reported added confirmed warned wrote tweeted posted argued claimed estimated insisted noted
    acknowledged vowed pledged promised hinted suggested asked agreed decided planned hoped wanted ordered urged
    invited directed
    """.split()
)
"""Past verbs after which often another clause begins, about another day."""

_BARE_VERB = frozenset("will would can could may might must should shall to be being won't not don't didn't".split())
_DETERMINERS = frozenset("the a an his her their its our my your this that these those of for with and in".split())
_SUBORDINATES = frozenset("that which who whom whose where when while it he she they we there until because so".split())
_PREPOSITIONS = frozenset("in at to on during via by from late early outside near before".split())
_PREPARING = frozenset("going about ready preparing planning hoping looking expecting aiming".split())
_ADVERBS = frozenset(
    "on late early earlier again also now currently only just in this last el este na nesta no neste".split()
)


def tense_of(text: str, start: int, end: int) -> Tense | None:
    """What the clause around ``text[start:end]`` speaks of, by the nearest verb that tells; None when none does.

    Looks at 160 code points before and 80 after, within the sentence.
    """
    begins = max(start - _BEFORE, 0)
    # With the first letter of the expression: a capital one may begin the sentence.
    for boundary in _CLAUSE_END.finditer(text, begins, start + 1):
        begins = min(boundary.end(), start)
    before = _words(text[begins:start])
    cue = _looking_back(before)
    if cue is None:
        closes = _CLAUSE_END.search(text, end, end + _AFTER)
        after = _words(text[end : closes.start() if closes else end + _AFTER])
        if text[start:end].endswith(("'s", "’s")):
            after = after[1:]  # in "Friday's vote was close" a noun
        cue = _looking_ahead(after, opens=len(before) <= 1)
    return cue if cue in ("past", "future") else None


def _words(text: str) -> list[str]:
    return [word.replace("’", "'") for word in _WORD.findall(text)]


def _looking_back(words: Sequence[str]) -> _Cue | None:
    """The cue of the last verb of ``words``, which stand before the expression; None when they hold none."""
    for position in range(len(words) - 1, -1, -1):
        cue = _cue(words, position)
        if cue == "past":
            return _of_past(words, position)
        if cue is not None:
            return cue
    return None


def _of_past(words: Sequence[str], position: int) -> _Cue:
    """Whether the past verb at ``position`` governs what follows ``words``, or only the clause around it."""
    between = [word.lower() for word in words[position + 1 :]]
    if all(word in _ADVERBS for word in between):
        return "past"
    if not _SUBORDINATES.isdisjoint(between):
        return "unclear"
    verb = words[position].lower()
    if verb in _REPORTS and (len(between) > 8 or not (between[0] in _PREPOSITIONS or verb == "told")):
        return "unclear"
    if any(_cue(words, earlier) == "future" for earlier in range(position)):
        return "unclear"
    return "past"


def _looking_ahead(words: Sequence[str], *, opens: bool) -> _Cue | None:
    """The cue of the first verb of ``words``, which follow the expression; None when they hold none.

    A comma ends what belongs to it, except the one right behind an expression that opens its sentence.
    """
    if words and words[0] == ",":
        if not opens:
            return None
        words = words[1:]
    for position, word in enumerate(words):
        if word == ",":
            return None
        cue = _cue(words, position)
        if cue is not None:
            return cue
    return None


def _cue(words: Sequence[str], position: int) -> _Cue | None:
    """What the word at ``position`` says of time, seen with its neighbours; None when it says nothing."""
    word = words[position].lower()
    before = words[position - 1].lower() if position else ""
    after = words[position + 1].lower() if position + 1 < len(words) else ""
    if word == "to":
        return _infinitive(words, position)
    if word in _FUTURE or _FUTURE_ENDING.match(word):
        return "future"
    if word in _UNCLEAR:
        return "unclear"
    if word in _ARRANGED:
        return _arranged(words, position)
    if before in _BARE_VERB or before in _DETERMINERS:
        return None
    if _is_past(word):
        if before in _BE or (word in _WAS and (after in _ARRANGED or after == "to")):
            return "unclear"
        if before == "have" and position > 1 and words[position - 2].lower() in _UNCLEAR | _FUTURE:
            return "unclear"  # "would have met"
        return "past"
    if word in _PRESENT:
        return None if after in _ARRANGED or after == "going" else "unclear"
    return None


def _is_past(word: str) -> bool:
    return word in _PAST or (word not in _NO_PAST and _PAST_ENDING.search(word) is not None)


def _infinitive(words: Sequence[str], position: int) -> _Cue | None:
    """What "to" and a verb say: "plans to meet" of the future, "began to fall" nothing of its own."""
    after = words[position + 1] if position + 1 < len(words) else ""
    if not after or after[0].isupper() or after.lower() in _DETERMINERS:
        return None  # "to Paris", "to the vote"
    governor, auxiliary = _governing(words, position)
    if governor in _INTENDS or (governor in _BE):
        return "future"
    if governor in _AND_DID:
        return None
    if (governor in _ARRANGED or governor in _PREPARING) and auxiliary in _BE:
        return "future"
    return "unclear"


def _arranged(words: Sequence[str], position: int) -> _Cue | None:
    """What "scheduled" and its like say where no infinitive follows."""
    auxiliary = _governing(words, position)[0]
    if auxiliary in ("than", "as") or auxiliary in _DETERMINERS or words[position].lower() in ("set", "likely"):
        return None
    if auxiliary in _BE:
        return "future"
    rest = [word.lower() for word in words[position + 1 :]]
    adjacent = all(word in _ADVERBS or word == "for" for word in rest)
    return "future" if adjacent and auxiliary not in _WAS else "unclear"


def _governing(words: Sequence[str], position: int) -> tuple[str, str]:
    """The two words before ``position``, adverbs left out; "" where there are none."""
    found = [word for word in map(str.lower, words[max(position - 4, 0) : position]) if not _is_adverb(word)]
    governor, auxiliary = ["", "", *found][-1], ["", "", *found][-2]
    return governor, auxiliary


def _is_adverb(word: str) -> bool:
    return word.endswith("ly") or word in ("not", "now", "also", "still", "widely")
