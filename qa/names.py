"""Pure: the names a text says, of people, places and organisations, and whether a source says them too."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from qa.dates import MONTHS, WEEKDAYS
from qa.wording import FUNCTION, Token, Told

_LINKS = frozenset("of de la le du da di del der den van von bin al el".split())
_ROLES = frozenset(
    """
    mr mrs ms miss mx dr prof sir dame lord lady president vice prime minister secretary chancellor senator sen
    representative rep congressman congresswoman governor gov mayor king queen prince princess duke duchess pope
    general gen colonel captain sergeant judge justice chief executive officer director chairman chairwoman chair
    professor ambassador commissioner attorney speaker leader deputy foreign state former acting interim court committee
    department ministry office government party council company inc corp ltd group university
    college school police association agency board bureau institute center centre federal national international
    ii iii iv vi jr sr st
    """.split()
)
"""Words that stand in names without telling one from another; a text may leave them out or write them small."""

_NEVER = frozenset([*WEEKDAYS, *MONTHS, *"i i'm i've i'll i'd ok oks god tv ceo pm am no not never yes".split()])
_SAME = {
    "french": "france", "spanish": "spain", "dutch": "netherlands", "danish": "denmark", "swedish": "sweden",
    "british": "u.k", "britain": "u.k", "britons": "u.k", "american": "u.s", "americans": "u.s", "america": "u.s",
    "greek": "greece", "polish": "poland", "turkish": "turkey", "turkiye": "turkey", "swiss": "switzerland",
    "welsh": "wales", "irish": "ireland", "norwegian": "norway", "finnish": "finland", "chinese": "china",
    "thai": "thailand", "filipino": "philippines", "european": "europe",
    "usa": "u.s", "us": "u.s", "uk": "u.k", "eu": "e.u", "un": "u.n",
    "gop": "republican", "republicans": "republican", "democrats": "democrat", "democratic": "democrat",
}  # fmt: skip
"""One form for what has two that have little in common."""

_SHORT = {
    ("united", "states"): "u.s",
    ("united", "kingdom"): "u.k",
    ("united", "nations"): "u.n",
    ("european", "union"): "e.u",
}
_PLACE_ENDINGS = ("", "a", "y", "e", "o", "ia", "land")
_PEOPLE_ENDINGS = ("ians", "ian", "ans", "an", "ns", "n", "ese", "ish", "is", "i", "ic", "s")
_GLUED = re.compile(r"(?<=[a-z]{3})[A-Z][a-z]{2,}")
_LONGEST_NAME = 40
"""Hostile text may hold a "word" of a million letters."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name said by the tokens ``first`` to ``last`` (one past it).

    ``words`` are those that tell it from others, ``parts`` the same, apart where a role stands between: "Ohio Governor
    Mike DeWine" has two. ``forms`` are the words in the one form for what has two; ``initials`` are those of all its
    words. ``opens``: it begins a sentence, so that its first word may be none of it. ``sure`` is False where a capital
    tells nothing: for a single word that opens a sentence, and in headlines.
    """

    first: int
    last: int
    parts: tuple[tuple[str, ...], ...]
    words: tuple[str, ...]
    forms: frozenset[str]
    initials: str = ""
    opens: bool = False
    sure: bool = True


def names(told: Told, taken: Collection[int] = (), known: Collection[str] = ()) -> list[Name]:
    """The names of a text in order; tokens ``taken`` (by dates and numbers) belong to none.

    A single capitalised word that opens a sentence is surely a name only if it is one of ``known`` or stands
    capitalised elsewhere in the text.
    """
    tokens = told.tokens
    openers = _openers(told)
    headlines = headline_sentences(told)
    inside = {
        bare(token.word)
        for i, token in enumerate(tokens)
        if token.capital and i not in openers and token.sentence not in headlines and i not in taken
    }
    inside.update(known)
    found: list[Name] = []
    i = 0
    while i < len(tokens):
        if not tokens[i].capital:
            i += 1
            continue
        last = _end_of_name(tokens, i, taken)
        first = i
        while first < last and tokens[first].word in FUNCTION:
            first += 1  # "The Hague" is known by "Hague"
        parts = _parts(tokens[first:last])
        if parts:
            sure = not ((first in openers and last - first == 1) or tokens[first].sentence in headlines)
            words = tuple(word for part in parts for word in part)
            forms = frozenset(_SAME.get(word, word) for word in words)
            letters = "".join(token.word[0] for token in tokens[first:last] if token.capital)
            found.append(
                Name(
                    first,
                    last,
                    parts,
                    words,
                    forms,
                    initials=letters if len(letters) > 1 else "",
                    opens=first in openers,
                    sure=sure or not inside.isdisjoint(words),
                )
            )
        i = max(last, i + 1)
    return found


def headline_sentences(told: Told) -> frozenset[int]:
    """Sentences of four long words or more that are all capitalised: there a capital tells nothing."""
    capitals, small = [0] * len(told.places), [0] * len(told.places)
    for token in told.tokens:
        if len(token.word) > 2 and token.word[0].isalpha() and token.word not in FUNCTION:
            if not token.capital:
                small[token.sentence] += 1
            elif len(token.word) > 3:
                capitals[token.sentence] += 1
    return frozenset(i for i in range(len(told.places)) if capitals[i] >= 4 and not small[i])


def bare(word: str) -> str:
    """A folded word without "'s"."""
    return word.removesuffix("'s").rstrip("'.")


def _openers(told: Told) -> frozenset[int]:
    """Tokens that are capitalised for where they stand: at the start of a sentence or of what is quoted."""
    tokens = told.tokens
    return frozenset(
        i
        for i, token in enumerate(tokens)
        if i == 0
        or tokens[i - 1].sentence != token.sentence
        or (
            token.capital
            and any(mark in told.text[tokens[i - 1].end : token.start] for mark in '"\u201c\u2018:\u2022\n')
        )
    )


def _end_of_name(tokens: Sequence[Token], i: int, taken: Collection[int]) -> int:
    """One past the last token of the run of capitalised words that begins at ``i``; ``i`` when none does."""
    last = j = i
    while j < len(tokens) and j not in taken and tokens[j].sentence == tokens[i].sentence:
        token = tokens[j]
        if j > i and token.apart:
            break
        if token.capital and token.word not in _NEVER and not (j > i and token.word in FUNCTION):
            last = j + 1
            if token.word.endswith("'s") and bare(token.word) not in _ROLES:
                break  # "Lula's Mauro Vieira" are two
        elif not (token.word in _LINKS and last == j > i):
            break
        j += 1
    return last


def _parts(run: Sequence[Token]) -> tuple[tuple[str, ...], ...]:
    parts: list[list[str]] = [[]]
    for token in run:
        word = bare(token.word)
        if word in _ROLES:
            parts.append([])
        elif token.capital and word not in FUNCTION and len(word) > 1:
            if parts[-1] and (short := _SHORT.get((parts[-1][-1], word))):
                parts[-1][-1] = short
            else:
                parts[-1].append(word)
    return tuple(tuple(part) for part in parts if part)


_PRONOUNS = frozenset("he she they it who him her them his their".split())
_BACK = 2
"""So many sentences before a pronoun whom it means may be named."""


def pronouns(told: Told, found: Sequence[Name]) -> list[Name]:
    """The pronouns of a text as names that may be any of those ``found`` shortly before."""
    tokens = told.tokens
    by_sentence: list[list[Name]] = [[] for _ in told.places]
    for name in found:
        if name.sure:
            by_sentence[tokens[name.first].sentence].append(name)
    meant = []
    for i, token in enumerate(tokens):
        if token.word in _PRONOUNS:
            near = [name for one in by_sentence[max(token.sentence - _BACK, 0) : token.sentence + 1] for name in one]
            forms = frozenset[str]().union(*(name.forms for name in near if name.last <= i))
            meant.append(Name(i, i + 1, (), (), forms, sure=False))
    return meant


def other_nation(name: Name, found: Sequence[Name]) -> bool:
    """Whether a source always calls whom ``name`` names of another nation: "Russian Foreign Minister Sergey Lavrov"."""
    nation = _nation(name)
    theirs = [_nation(other) for other in found if nation and other.words[-1:] == name.words[-1:] and _nation(other)]
    return bool(theirs) and nation not in theirs


def _nation(name: Name) -> str:
    word = name.words[0] if len(name.words) > 1 else ""
    return _SAME.get(word, word) if _of_nation(word) else ""


def _of_nation(word: str) -> bool:
    return word in _SAME or word.endswith(("ian", "ese", "ish", "can"))


class Known:
    """The words by which a text names things, in all the forms in which a name may be said."""

    def __init__(self, told: Told, found: Sequence[Name] = ()) -> None:
        self.words: set[str] = set()
        self.small: set[str] = set()
        """Words that stand there without a capital: no names, wherever else they open a sentence."""
        self._initials: set[str] = set()
        self._behind: dict[str, set[str]] = {}
        self._ends: set[str] = set()
        self._add(told)
        for name in found:
            for i, word in enumerate(name.words):
                self._behind.setdefault(word, set()).update(name.words[i + 1 : i + 4])
            self._ends.add(name.words[-1])

    def _add(self, told: Told) -> None:
        tokens = told.tokens
        run = ""
        for i, token in enumerate(tokens):
            word = bare(token.word)
            self.words |= {token.word, word, _SAME.get(word, word)}
            if i and (short := _SHORT.get((bare(tokens[i - 1].word), word))):
                self.words.add(short)
            if token.capital:
                run = (run if not token.apart else "") + word[:1]
                self._initials.update(run[-n:] for n in range(2, min(len(run), 6) + 1))
                if len(word) >= 9:
                    # Scrapers glue words together: "Lavrovannounced" still names Lavrov.
                    self.words.update(word[:cut] for cut in range(4, min(len(word) - 3, _LONGEST_NAME + 1)))
            else:
                self.small.add(word)
                if len(word) >= 6:
                    # "ministerNadia" names Nadia.
                    self.words.update(part.lower() for part in _GLUED.findall(told.text, token.start, token.end))
                run = run if word in ("of", "for", "and", "the", "on") else ""

    def has(self, word: str) -> bool:
        """Whether the text says ``word``, as it is, as a nation's adjective, or in short."""
        if word in self.words or _SAME.get(word, word) in self.words or self._begins(word):
            return True
        return (
            word.replace(".", "") in self._initials
            or word.removesuffix("s") in self.words
            or any(word.endswith(ending) and self._begins(word.removesuffix(ending)) for ending in _PEOPLE_ENDINGS)
        )

    def spells_out(self, name: Name) -> bool:
        """Whether a name is an abbreviation of words that the text says: whatever stands near them may be it."""
        return len(name.words) == 1 and name.words[0] in self._initials

    def _begins(self, stem: str) -> bool:
        return len(stem) >= 4 and any(stem + ending in self.words for ending in (*_PLACE_ENDINGS, *_PEOPLE_ENDINGS))

    def parts(self, one: str, other: str) -> bool:
        """Whether the text always says something else behind the word ``one`` of a name: "Celso" without "Vieira"."""
        behind = self._behind.get(one)
        if not behind or one in self._ends:
            return False
        return not any(word == other or _prefixed(word, other) for word in behind)


def _prefixed(one: str, other: str) -> bool:
    return min(len(one), len(other)) >= 4 and (one.startswith(other) or other.startswith(one))


def kin(one: Name, other: Name) -> bool:
    """Whether two names may be of one: they share a word, or one is the other's adjective or initials."""
    mine, theirs = one.forms, other.forms
    if not mine.isdisjoint(theirs) or one.initials in theirs or other.initials in mine:
        return True
    return any(len(a) >= 4 and a[:4] == b[:4] for a in mine for b in theirs)


def missing(name: Name, sources: Sequence[Known]) -> str | None:
    """The word of ``name`` that no source says, or two of them that none says together; None when all is said."""
    for word in name.words:
        if not any(source.has(word) for source in sources):
            return word
    for part in name.parts:
        for one, other in pairwise(part):
            opens = name.opens and one == name.words[0] and any(one in source.small for source in sources)
            if not opens and any(source.parts(one, other) for source in sources) and not _joined(one, other, sources):
                return f"{one} {other}"
    return None


def _joined(one: str, other: str, sources: Iterable[Known]) -> bool:
    return any(not source.parts(one, other) and source.has(one) and source.has(other) for source in sources)
