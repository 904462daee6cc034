"""Pure: what a text says of a number besides its value: what became of those it counts, who they are, and whether
something changed by it, to it or from it. "12 killed" bears out no "12 injured", "rose to 5%" no "rose by 5%".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from qa.figures import Figure
from qa.wording import Token, root

Step = Literal["", "by", "to", "from"]

_FATES = """
    dead: die dead death kill fatality toll slain murder perish drown
    injured: injure injury wound hurt
    missing: missing unaccounted
    sick: infect infection sicken ill illness
    arrested: arrest detain
    freed: release free
    displaced: displace homeless
    rescued: rescue
    born: born birth
    injured sick rescued: hospitalize hospitalise
    displaced rescued: evacuate
    """
"""What becomes of people, one or other of several; a number of one is no number of another."""
_PEOPLE = """
    male: man boy male brother son
    female: woman girl female sister daughter
    military: soldier troop fighter militant
    civilian: civilian
    """
"""Who they are. The first two exclude each other, and so do the last two."""
_APART = (frozenset({"male", "female"}), frozenset({"military", "civilian"}))
_RISES = frozenset(
    root(word)
    for word in """
    rise climb increase grow gain surge jump soar up raise expand advance add rally fall drop decline plunge slump sink
    decrease reduce shrink tumble down lower dip cut slide plummet lose shed slip ease rebound inch edge hike higher
    """.split()
)
"""Words of change, with a number behind that says by how much, or to what."""
_STANDS = frozenset(root(word) for word in "reach stand hit total number pass top exceed surpass remain".split())
_APPROXIMATE = frozenset(
    "at least more less than nearly almost about around roughly approximately just a an record".split()
)
"""Words between "by" or "to" and its number."""
_BETWEEN = _APPROXIMATE | frozenset(
    """
    most fewer over under above below up to by as many much the another some estimated further other others only all
    were was been be is are have has had people person
    """.split()
)
"""Words between a verb and its number that keep them together."""
_MEASURES = frozenset("inflation deflation growth".split())
"""What changes by so much where these are so much: "inflation rose to 5%", "prices rose by 5%"."""
_TALLIES = frozenset("number count tally total toll".split())
_NOUNS = frozenset("toll death deaths fatalities injuries arrests infections illnesses".split())
"""Words of these that may stand farther before their number: "the toll from the quake rose to 12"."""
_ASIDES = frozenset("including among mostly most many some".split())
"""How an aside between a number and its word begins: "12 people, including three children, were killed"."""
_CLAUSE = frozenset("when while after before because as since but until although though amid".split())
_RELATIVE = frozenset("who that which whose whom".split())
_FAR, _FAR_NOUN = 12, 16
"""So many tokens from a number what says its fate may stand; the same for "toll" and its like, which stand before."""
_NEARLY = 1
"""What is farther by no more than this on the other side counts, too: "arrested 12 wounded men"."""


def _by_root(table: str) -> dict[str, frozenset[str]]:
    lines = (line.partition(":") for line in table.strip().splitlines())
    return {root(word): frozenset(kinds.split()) for kinds, _, words in lines for word in words.split()}


_FATE, _WHO = _by_root(_FATES), _by_root(_PEOPLE)


@dataclass(frozen=True, slots=True)
class Counted:
    """What a number counts. ``fates`` and ``who`` are empty where it is not said; "killed or hurt" are two.

    ``step`` says whether something changed by it, to it or from it.
    """

    fates: frozenset[str] = frozenset()
    who: frozenset[str] = frozenset()
    step: Step = ""

    def excludes(self, other: Counted) -> bool:
        """Whether a number cannot be both: one says "killed", the other "injured"."""
        return self.apart(other) or {self.step, other.step} in ({"by", "to"}, {"from", "to"})

    def apart(self, other: Counted) -> bool:
        """Whether two numbers count what must be told apart, so that they may differ."""
        if self.fates and other.fates and self.fates.isdisjoint(other.fates):
            return True
        both = self.who | other.who
        return self.who.isdisjoint(other.who) and any(kinds <= both for kinds in _APART)


NOTHING = Counted()


def counted(tokens: Sequence[Token], figures: Sequence[Figure]) -> Mapping[Figure, Counted]:
    """What is said of each number of a text; those of which nothing is are left out."""
    at = {i: figure for figure in figures for i in range(figure.first, figure.last)}
    fates = {figure: _fates(tokens, figure, at) for figure in figures}
    _share_fates(tokens, figures, fates)
    found = {
        figure: Counted(fates[figure], frozenset(_who(tokens, figure)), _step(tokens, figure, at)) for figure in figures
    }
    return {figure: one for figure, one in found.items() if one != NOTHING}


def _share_fates(tokens: Sequence[Token], figures: Sequence[Figure], fates: dict[Figure, frozenset[str]]) -> None:
    """ "To 23 killed, up from 12" and "from 12 to 23 killed" say one thing of both numbers."""
    for i, figure in enumerate(figures):
        if fates[figure] or _word(tokens, figure.first - 1) != "from":
            continue
        near = [*figures[i + 1 : i + 2], *figures[max(i - 1, 0) : i][::-1]]
        if _word(tokens, figure.first - 2) in ("up", "down"):
            near.reverse()
        alike = (one for one in near if one.unit == figure.unit and _together(tokens, one, figure))
        fates[figure] = next((fates[one] for one in alike if fates[one]), frozenset())


def _together(tokens: Sequence[Token], one: Figure, other: Figure) -> bool:
    return tokens[one.first].sentence == tokens[other.first].sentence


def _fates(tokens: Sequence[Token], figure: Figure, at: Collection[int]) -> frozenset[str]:
    """What became of those it counts: what stands nearest, on either side if both are as near."""
    if figure.unit or figure.ordinal or figure.beside:
        return frozenset()
    found = [one for one in (_behind(tokens, figure, at), _before(tokens, figure, at)) if one]
    nearest = min((distance for distance, _ in found), default=0)
    return frozenset().union(*(kinds for distance, kinds in found if distance <= nearest + _NEARLY))


def _behind(tokens: Sequence[Token], figure: Figure, at: Collection[int]) -> tuple[int, frozenset[str]] | None:
    """The fates behind a number, up to the next number or clause, and how far the first is."""
    kinds: set[str] = set()
    first, aside = 0, False
    for i in range(figure.last, min(figure.last + _FAR, len(tokens))):
        token = tokens[i]
        if token.sentence != tokens[figure.first].sentence:
            break
        kind = _FATE.get(token.root)
        if token.apart and (aside or (token.word in _ASIDES and not kinds)):
            aside = not aside
        elif token.apart:
            break
        if aside:
            continue
        joined = kind is not None and bool(kinds) and tokens[i - 1].word in ("and", "or")
        if i in at or token.word in _CLAUSE or (token.word == "and" and not _joins(tokens, i, at)):
            break
        if kind and (not kinds or joined or tokens[i - 1].word != "and"):
            kinds |= kind
            first = first or i - figure.last + 1
    return (first, frozenset(kinds)) if kinds else None


def _joins(tokens: Sequence[Token], i: int, at: Collection[int]) -> bool:
    """Whether an "and" joins two fates of the same: "killed and wounded 12", not "12 dead and wounded at least 30"."""
    if not (0 < i < len(tokens) - 1 and all(tokens[j].root in _FATE for j in (i - 1, i + 1))):
        return False
    behind = next((j for j in range(i + 2, len(tokens)) if tokens[j].word not in _APPROXIMATE), len(tokens))
    return i - 2 not in at or behind not in at


def _before(tokens: Sequence[Token], figure: Figure, at: Collection[int]) -> tuple[int, frozenset[str]] | None:
    """The fates before a number, that is what was done to so many, or of what they are the toll; and how far."""
    kinds: set[str] = set()
    passed: set[str] = set()
    first, apart = 0, False
    for i in _back(tokens, figure):
        token = tokens[i]
        distance = figure.first - i
        kind = _FATE.get(token.root)
        if i in at and _word(tokens, i - 1) != "from":
            break
        if kind and (not apart or token.word in _NOUNS):
            kinds |= kind
            first = first or distance
        elif kind:
            passed |= kind
        elif token.word in _TALLIES and _word(tokens, i + 1) == "of" and passed:
            kinds |= passed
            first = first or distance
        if kinds and not (token.word in ("and", "or") or kind):
            break
        if token.word in _RELATIVE | _CLAUSE or (token.word == "and" and not _joins(tokens, i, at)):
            break
        apart = apart or not (kind or token.word in _BETWEEN or token.root in _RISES | _STANDS or token.word == "and")
    return (first, frozenset(kinds)) if kinds else None


def _back(tokens: Sequence[Token], figure: Figure) -> Iterator[int]:
    """The tokens before a number, back to the comma or the beginning of the sentence."""
    for i in range(figure.first - 1, max(figure.first - _FAR_NOUN, 0) - 1, -1):
        if tokens[i].sentence != tokens[figure.first].sentence or tokens[i + 1].apart:
            return
        yield i


def _who(tokens: Sequence[Token], figure: Figure) -> Iterator[str]:
    """Who is counted: the noun behind a number, up to two words about it between, and another joined to it."""
    found = False
    for i in range(figure.last, min(figure.last + 5, len(tokens))):
        token = tokens[i]
        kind = _WHO.get(token.root)
        if token.sentence != tokens[figure.first].sentence or token.apart:
            return
        if kind:
            yield from kind
            found = True
        elif token.word not in ("and", "or") if found else not token.says_something or i > figure.last + 1:
            return


def _step(tokens: Sequence[Token], figure: Figure, at: Mapping[int, Figure]) -> Step:
    """Whether something changed by, to or from a number; "" where it does not say.

    Of a range, "3 to 5%", and of a bound, "up to 5%", "to" says nothing.
    """
    i = figure.first - 1
    while i > 0 and tokens[i].word in _APPROXIMATE and not tokens[i + 1].apart:
        i -= 1
    clause = _clause(tokens, i)
    if any(tokens[j].word in _MEASURES for j in clause):
        return ""
    word = tokens[i].word if clause else ""
    changes = any(tokens[j].root in _RISES for j in clause[:-1])
    if word == "to" and changes and tokens[i - 1].word not in ("up", "close"):
        other = at.get(i - 1)
        ranges = other is not None and other.unit == figure.unit and _word(tokens, other.first - 1) != "from"
        return "" if ranges else "to"
    if word == "from" and changes:
        return "from"
    if (word == "by" and changes) or (word == "of" and tokens[i - 1].root in _RISES):
        return "by"
    led = bool(clause) and tokens[i].root in _RISES and (bool(figure.unit) or word not in ("up", "down"))
    return "by" if led or _is_change(tokens, figure) else ""


def _is_change(tokens: Sequence[Token], figure: Figure) -> bool:
    """Whether a word of change stands right behind: "a 5% rise", "5% lower"."""
    behind = tokens[figure.last] if figure.last < len(tokens) else None
    together = behind is not None and not behind.apart and behind.sentence == tokens[figure.first].sentence
    return together and bool(figure.unit) and behind is not None and behind.root in _RISES


def _clause(tokens: Sequence[Token], i: int) -> range:
    """The tokens up to ``i``, of its sentence, that may say what changed; none where a comma follows it."""
    if i < 0 or (i + 1 < len(tokens) and (tokens[i + 1].apart or tokens[i + 1].sentence != tokens[i].sentence)):
        return range(0)
    begin = i
    while begin > max(i - _FAR, 0) and tokens[begin - 1].sentence == tokens[i].sentence:
        begin -= 1
    return range(begin, i + 1)


def _word(tokens: Sequence[Token], i: int) -> str:
    return tokens[i].word if 0 <= i < len(tokens) else ""
