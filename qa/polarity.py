"""Pure: what a text denies. "Did not rise", "failed to rise" and "fell" deny what "rose" says."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from qa.wording import FUNCTION, Token, Told, root

_NEGATORS = frozenset(
    """
    not no never neither nor none nobody nothing nowhere without cannot cant dont hardly barely scarcely unable
    fail fails failed failing failure refuse refuses refused refusing decline declined declines declining
    deny denies denied denying lack lacks lacked lacking absence instead rather
    """.split()
)
_NOT_ONLY = frozenset("only just least merely simply until".split())
_NO_DENIAL = frozenset(
    [
        ("no", "doubt"), ("no", "matter"), ("no", "wonder"), ("no", "less"), ("no", "fewer"), ("no", "more"),
        ("no", "sooner"), ("no", "later"),
    ]
)  # fmt: skip
_NEEDS = dict.fromkeys(
    "fail fails failed failing failure refuse refuses refused refusing decline declined declines declining".split(),
    "to",
) | {"instead": "of", "rather": "than", "absence": "of"}
"""What must stand behind a word lest it be no "not"."""
_OPPOSITES = """
    rise climb increase grow gain surge jump soar up higher raise expand
        / fall drop decline plunge slump sink decrease reduce shrink tumble down lower dip cut slide plummet lose,
    win victory / lose defeat, beat / lose, more most / less fewer least, approve accept / reject refuse,
    allow permit / ban forbid prohibit bar block, legal lawful / illegal unlawful, open / close shut,
    start begin / end stop finish, enter arrive join / leave quit exit, support back favor / oppose,
    guilty convict / innocent acquit, buy / sell, import / export, hire / fire, strengthen / weaken,
    improve better / worsen worse, lift / impose, confirm / deny, dead die kill death toll fatality / alive survive,
    success succeed / failure fail, pass / fail, possible / impossible, likely / unlikely, able / unable,
    agree / disagree, above / below, with / without, always / never, before / after, first / last,
    large larger largest big bigger biggest / small smaller smallest, high highest / low lowest, best / worst,
    oldest / newest youngest, long longer longest / short shorter shortest, fast faster fastest / slow slower slowest,
    early earlier / late later, warmer hotter / colder cooler, northern / southern, eastern / western,
    majority / minority, maximum / minimum, upgrade / downgrade, optimistic / pessimistic, positive / negative,
    year / month week day, month / week day, week / day hour, hour / minute second
    """
"""What says the opposite, or something else in the same place."""
_EXCLUSIVE = """
    die dead death kill / injure wound hurt, release free / detain arrest, man male / woman female, boy / girl,
    brother / sister, son / daughter,
    husband / wife, father / mother, uncle / aunt, king / queen, prince / princess, actor / actress,
    north northern / south southern, east eastern / west western, north northern / east eastern,
    north northern / west western, south southern / east eastern, south southern / west western,
    upper / lower, indoors / outdoors, urban / rural, domestic / foreign, public / private,
    older old elder / younger young, rich / poor, soldier / civilian, prosecution prosecutor / defense,
    plaintiff / defendant, buyer / seller, winner / loser, ally / enemy, praise / criticise criticize condemn,
    acquit / convict, supply / demand, profit / loss, surplus / deficit, present / absent, morning / evening,
    morning / afternoon, morning / night, summer / winter, spring / autumn, accelerate / decelerate, tighten / loosen,
    widen / narrow, appreciate / depreciate, encourage / discourage, promote / demote relegate, deposit / withdraw,
    lend / borrow, heavier / lighter, arrive / depart, attack / defend, advance / retreat, remember / forget,
    appear / disappear vanish
    """
"""What excludes each other without being all there is: who is not dead is not therefore injured."""
_CONVERSE = "beat win defeat / lose, buy / sell, lend / borrow"
"""What two do at once: one beats the other, who loses."""
_SEXES = (
    ("man male boy brother son husband father uncle king prince actor", "he him his himself"),
    ("woman female girl sister daughter wife mother aunt queen princess actress", "she her hers herself"),
)

_NEW_CLAUSE = frozenset(
    """
    but because that they he she it we i you who which if when while as until after before is are was were has have had
    will would can could should may might must did does do
    """.split()
)
_PART_OF_NO = frozenset("longer one else single such".split())
_ANYWHERE = 4
"""So many words behind a "not" that say something may be what it denies; the first of them is."""

AFFIRMED, PERHAPS, DENIED = 0, 1, 2


@lru_cache(maxsize=1)
def _sides() -> dict[str, frozenset[int]]:
    """For each root the sides it is on: pairs count from 1, their other sides are negative."""
    found: dict[str, set[int]] = {}
    for number, pair in enumerate([*_OPPOSITES.split(","), *_EXCLUSIVE.split(",")], start=1):
        for side, words in zip((number, -number), pair.split("/"), strict=True):
            for word in words.split():
                found.setdefault(root(word), set()).add(side)
    return {word: frozenset(sides) for word, sides in found.items()}


@lru_cache(maxsize=1)
def _members() -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = {}
    for word, sides in _sides().items():
        for side in sides:
            found.setdefault(side, set()).add(word)
    return {side: frozenset(words) for side, words in found.items()}


@lru_cache(maxsize=4096)
def related(word: str) -> tuple[tuple[str, bool], ...]:
    """The roots that say the same as a root (True, itself first) or the opposite (False)."""
    found = {word: True}
    for side in sorted(_sides().get(word, frozenset())):
        for other in sorted(_members()[-side]):
            found.setdefault(other, False)
        for other in sorted(_members()[side]):
            found.setdefault(other, True)
    return tuple(found.items())


def _pairs(table: str) -> frozenset[frozenset[str]]:
    pairs = ([side.split() for side in pair.split("/")] for pair in table.split(","))
    return frozenset(
        frozenset((root(one), root(other))) for first, second in pairs for one in first for other in second
    )


@lru_cache(maxsize=1)
def _excluding() -> frozenset[frozenset[str]]:
    return _pairs(_EXCLUSIVE)


@lru_cache(maxsize=1)
def _conversing() -> frozenset[frozenset[str]]:
    return _pairs(_CONVERSE)


@lru_cache(maxsize=1)
def _pronouns() -> dict[str, frozenset[str]]:
    return {root(word): frozenset(pronouns.split()) for words, pronouns in _SEXES for word in words.split()}


def only_excludes(one: str, other: str) -> bool:
    """Whether two roots exclude each other without being all there is, so that denying one does not say the other."""
    return frozenset((one, other)) in _excluding()


def converse(one: str, other: str) -> bool:
    """Whether two roots say what the two sides of one thing do: who buys, and who sells."""
    return frozenset((one, other)) in _conversing()


def pronouns_of(word: str) -> frozenset[str]:
    """The pronouns that may stand for a root such as "woman"; none for most."""
    return _pronouns().get(word, frozenset())


def denials(told: Told) -> list[int]:
    """For each token whether it is ``AFFIRMED``, ``DENIED``, or ``PERHAPS`` denied, being further behind a "not"."""
    tokens = told.tokens
    found = [AFFIRMED] * len(tokens)
    for i, token in enumerate(tokens):
        begin = _scope(tokens, i) if token.word in _NEGATORS or token.word.endswith("n't") else None
        if begin is None:
            continue
        seen = 0
        for j in range(begin, min(begin + 12, len(tokens))):
            other = tokens[j]
            if other.sentence != token.sentence or (seen and (other.apart or other.word in _NEW_CLAUSE)):
                break
            if other.word in FUNCTION or (j <= begin + 1 and other.word in _PART_OF_NO):
                continue
            found[j] = max(found[j], PERHAPS if seen else DENIED)
            seen += 1
            if seen == _ANYWHERE:
                break
    return found


def _scope(tokens: Sequence[Token], i: int) -> int | None:
    """Where that which the "not" at token ``i`` denies begins; None when it denies nothing."""
    word = tokens[i].word
    behind = tokens[i + 1].word if i + 1 < len(tokens) else ""
    if (word, behind) in _NO_DENIAL or ((word == "not" or word.endswith("n't")) and behind in _NOT_ONLY):
        return None
    if word in _NEEDS:
        return i + 2 if behind == _NEEDS[word] else None
    return i + 1


def agreeing(same: bool, mine: int, theirs: int) -> bool | None:
    """Whether two words that say the same or the opposite agree, given what is denied of each; None: cannot be told."""
    if PERHAPS in (mine, theirs):
        return True if same else None
    return (mine == theirs) == same
