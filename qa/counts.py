"""Pure: the numbers in a text that reports revise as they come: tolls, damage, what of a fire is contained, rates set.

Most numbers that differ from day to day count something else each time: another match, another quarter, another strike.
Those that go on with one thing are known by the words that say what they count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qa.evidence import Facts
from qa.figures import Figure
from qa.wording import Token, root

_KINDS = """
    dead: dead die dies died dying kill kills killed killing death deaths fatality fatalities toll
    injured: injured injure injures injuring injury injuries wounded wounding hurt
    missing: missing unaccounted
    displaced: displaced displacing homeless evacuated evacuees
    ill: infected sickened hospitalized hospitalised infections illnesses
    arrested: arrested arrests detained
    rescued: rescued rescuing
    destroyed: destroyed damaged destroying damaging
    contained %: contained containment
    burned acre hectare: burned burnt burning scorched charred consumed
    burning: burning
    dark: power electricity
    grounded: grounded grounding
    rate %: rate rates
    """
"""Each kind, the units it is measured in (none: a plain count), and the words that say it."""


def _kinds() -> dict[tuple[str, str], str]:
    found = {}
    for line in _KINDS.strip().splitlines():
        head, _, words = line.partition(":")
        name, *units = head.split()
        found.update({(word, unit): name for word in words.split() for unit in units or [""]})
    return found


_BY_WORD = _kinds()
_WORDS = frozenset(word for word, _ in _BY_WORD)
_NOUNS = frozenset("toll death deaths fatalities injuries arrests infections illnesses containment rate rates".split())
"""Words of these that may stand farther before their number: "the toll from the quake rose to 12"."""
_LACKING = frozenset("without lost lose losing no".split())

_PEOPLE = frozenset(root(word) for word in "people person persons victim victims other others".split())
"""Who is counted when nobody in particular is."""
_PLAIN = frozenset("confirmed official total latest overall current reported known its".split())
"""Words before "death toll" that do not say whose it is."""
_ENDS_WHO = frozenset("across amid since so far following around along during overnight dead alive here there".split())
_BOUNDS = frozenset("least than more nearly almost about around estimated roughly approximately over another".split())
_PARTIAL = frozenset("more another additional further extra new first last next per each every of who whom".split())
"""Beside a number these make it a part of a count, or a count of each."""
_LABELS = frozenset(
    "the these those no # magnitude category level grade flight route number aged age title phase stage".split()
)
"""Behind these a number is a name, or known already."""
_AGES = frozenset("older over above up younger under below".split())
_OPEN = frozenset(
    "may might could would will can if expected feared fear fears projected predicted believed forecast".split()
)
"""A number beside these was not counted yet."""
_ASIDES = frozenset("including among mostly most many some".split())
"""How an aside between a number and its word begins: "12 people, including three children, were killed"."""
_FAR = 8
"""So many tokens from a number the word may stand that says what it counts."""
_FAR_NOUN = 16
"""The same for "toll" and its like, which stand before."""
_ACROSS = 40
"""How much farther a word is that stands beyond a comma or "and"."""

_SETTING = frozenset(root(word) for word in "raise cut lower lift hold keep leave hike increase reduce stand".split())
_SETTERS = frozenset(root(word) for word in "interest bank fed central key benchmark policy lending repo base".split())


@dataclass(frozen=True, slots=True)
class Count:
    """A number of a ``kind`` that reports revise; ``who`` are the roots of those counted, none for people as such."""

    figure: Figure
    kind: str
    who: frozenset[str]


def counts(said: Facts, first: int, last: int) -> Iterator[Count]:
    """The counts among the tokens ``first`` to ``last`` (one past it), in order."""
    for figure in said.figures:
        if first <= figure.first < last and _is_whole(said.told.tokens, figure):
            kind, at = _kind(said, figure)
            if kind:
                yield Count(figure, kind, _who(said, figure, at))


def _is_whole(tokens: Sequence[Token], figure: Figure) -> bool:
    """Whether it is a count at all: no part of one, no end of a range, no place in an order, result or name."""
    if figure.ordinal or figure.soft or figure.beside or figure.highest is not None:
        return False
    here = tokens[figure.first]
    before = tokens[figure.first - 1] if figure.first and tokens[figure.first - 1].sentence == here.sentence else None
    if before is not None and not here.apart:
        opens = figure.first < 2 or tokens[figure.first - 2].sentence != here.sentence
        if (before.capital and not opens) or before.number or before.word in _PARTIAL | _LABELS:
            return False
        if before.word in ("from", "between"):
            return False
        two = tokens[max(figure.first - 3, 0) : figure.first - 1]
        # "From 12 to 15" ends with what it is now; "12 to 15" is not known yet.
        if before.word in ("to", "or") and two and two[-1].number and two[0].word != "from":
            return False
        if before.word == "and" and two and two[0].word == "between":
            return False
    behind = [token for token in tokens[figure.last : figure.last + 3] if token.sentence == here.sentence]
    behind = behind[: next((i for i, token in enumerate(behind) if token.apart), len(behind))]
    if len(behind) > 1 and behind[0].word in ("to", "or") and behind[1].number:
        return False
    if figure.unit == "%":
        return not behind or behind[0].word not in ("more", "less", "fewer", "higher", "lower")
    if len(behind) > 1 and behind[0].word in ("and", "or") and behind[1].word in _AGES:
        return False
    partial = any(token.word in ("per", "daily", "each", "every") for token in behind)
    return not partial and not (behind and (behind[0].word in _PARTIAL or behind[0].number))


def _kind(said: Facts, figure: Figure) -> tuple[str, int]:
    """What the number counts and the token that says so: the nearest with no other number between; ("", 0): none."""
    near = [found for step in (1, -1) if (found := _look(said, figure, step))]
    _, kind, at = min(near, default=(0, "", 0))
    if kind == "rate" and not _is_set(said, figure):
        return "", 0
    return kind, at


def _look(said: Facts, figure: Figure, step: int) -> tuple[int, str, int] | None:
    """The nearest word for a kind behind (1) or before (-1) a number, and how far that is; None when there is none."""
    tokens = said.told.tokens
    others = (one for one in said.figures if one.unit == figure.unit and tokens[max(one.first - 1, 0)].word != "from")
    stops = {i for other in others for i in range(other.first, other.last)}
    i = figure.last if step > 0 else figure.first - 1
    distance, between, aside = 0, False, False
    while (
        0 <= i < len(tokens) and tokens[i].sentence == tokens[figure.first].sentence and distance % _ACROSS < _FAR_NOUN
    ):
        token = tokens[i]
        barrier = (token if step > 0 else tokens[i + 1]).apart
        aside = step > 0 and ((aside and not barrier) or (barrier and token.word in _ASIDES))
        if not aside:
            if i in stops:
                return None
            distance += 1 + _ACROSS * (barrier or token.word == "and")
            kind = _BY_WORD.get((token.word, figure.unit), "")
            if kind == "dark" and tokens[i - 1].word not in _LACKING:
                kind = ""
            if kind:
                near = distance % _ACROSS <= _FAR and (step > 0 or not between)
                led = near or (step < 0 and token.word in _NOUNS)
                return (distance, kind, i) if led and not _is_open(tokens, figure, i) else None
            between = between or (token.says_something and token.word not in _BOUNDS)
        i += step
    return None


def _is_open(tokens: Sequence[Token], figure: Figure, at: int) -> bool:
    """Whether a number is only feared, expected or possible."""
    first, last = min(at, figure.first), max(at + 1, figure.last)
    near = (token for token in tokens[max(first - 3, 0) : last] if token.sentence == tokens[at].sentence)
    return any(token.word in _OPEN for token in near)


def _is_set(said: Facts, figure: Figure) -> bool:
    """Whether somebody sets a rate: "raised its key rate to 4.75%"; of one that is measured each month has its own."""
    tokens = said.told.tokens
    roots = said.told.roots[tokens[figure.first].sentence]
    before = tokens[figure.first - 1].word if figure.first else ""
    return before in ("to", "at") and not (_SETTING.isdisjoint(roots) or _SETTERS.isdisjoint(roots))


def _who(said: Facts, figure: Figure, at: int) -> frozenset[str]:
    """Who or what is counted: the words behind the number, and that before "deaths" or "death toll" where it leads."""
    tokens = said.told.tokens
    found = []
    for i in range(figure.last, min(figure.last + 4, len(tokens))):
        if tokens[i].sentence != tokens[at].sentence or tokens[i].apart:
            break
        if not tokens[i].says_something or tokens[i].word in _WORDS | _ENDS_WHO:
            break
        found.append(i)
    if at < figure.first and tokens[at].word in _NOUNS:
        i = at - 1
        while i >= 0 and tokens[i].word in _WORDS | _PLAIN and not tokens[i + 1].apart:
            i -= 1
        if (
            i >= 0
            and tokens[i].says_something
            and not tokens[i + 1].apart
            and tokens[i].sentence == tokens[at].sentence
        ):
            found.append(i)
    found += _cause(tokens, at)
    forms = {i: name.forms for name in said.names for i in range(name.first, name.last)}
    return frozenset(one for i in found for one in forms.get(i, {tokens[i].root})) - _PEOPLE


def _cause(tokens: Sequence[Token], at: int) -> list[int]:
    """The word that says what of somebody "died of": a toll of one cause is no toll of all."""
    behind = [token for token in tokens[at + 1 : at + 5] if token.sentence == tokens[at].sentence]
    if tokens[at].word not in ("die", "died", "dying") or not behind or behind[0].word not in ("of", "from"):
        return []
    return [at + 2 + i for i, token in enumerate(behind[1:]) if token.says_something and not token.apart][:1]
