"""Pure: the text that is searched, made from the one that is kept.

What is kept, shown and quoted stays as it was. What is searched is without boilerplate and agencies' tags, has the
characters that entities such as ``&#8217;`` stand for, and has words that a scraper glued together taken apart: where a
page's links were stripped, the space beside them often went too ("Lavrovannounced", "powerssince").
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from qa.boilerplate import without_agencies, without_boilerplate

_AFTER_NAME = frozenset(
    """
    according accused announced because between claimed concluded confirmed criticised criticized declared defended
    despite during emphasised emphasized explained expressed highlighted however including insisted invited launched
    meanwhile predicted proposed received rejected requested revealed travelled traveled welcomed
    """.split()
)
"""Words that follow a name in running text and that no name ends in."""
_AFTER_WORD = _AFTER_NAME | frozenset(
    """
    across added after against agreed also although among appeared argued arrived asked asserted attended before began
    believes denied described followed following from having indicated joined offered opened ordered
    presented published recalled refused released remains replied responded returned said says should since started
    stated stressed until upon urged visited wanted warned when where which while whose
    """.split()
)
"""Words that follow a name or a noun in running text; English has words that end in some, but few begin with a noun."""
_COMPOUNDS = frozenset(
    """
    aero after anti auto back book both close contra counter cross dead double down east else ever every extra fore
    free from full ghost half hand hard head hear here high home hyper infra inter jump kick long like macro mail many
    meta micro mini most much multi must near news north once only open otherwise other over part post prep pseudo quasi
    rein self semi short side sing some song soft sooth south step sub super tele that them then there thin this time
    trans turn twice type ultra under upon vice walk week well west what when where with worth
    """.split()
)
"""What English words are made with: "worthwhile", "understated", "everywhere", "handwritten"."""
_MIN_LEFT = 4

_WORD = re.compile(r"(?<![\w@#./\]-])[^\W\d_]{7,}(?![\w@-])(?!\.[a-z]{2,}\b)")
_AFTER_NUMBER = re.compile(r"(?<=[\d%])(?=(?:while|and|but|from|compared|according|after|since|when|which|with)\b)")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")


def search_text(text: str, is_word: Callable[[str], bool]) -> str:
    """What is searched of a passage; "" when it is nothing but boilerplate. ``is_word`` as in :func:`repair`."""
    return repair(told(text), is_word)


def told(text: str) -> str:
    """``text`` without entities, boilerplate and agencies' tags; "" when nothing else is left."""
    # Twice: feeds and exports often escape what was escaped already.
    return without_agencies(without_boilerplate(unescaped(unescaped(text))))


def unescaped(text: str) -> str:
    """``text`` with its HTML entities, those that end in a semicolon, as the characters they stand for."""
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text)


def repair(text: str, is_word: Callable[[str], bool]) -> str:
    """``text`` with glued words taken apart; the same text when there are none.

    A word is taken apart only when it is none itself (``is_word``, given it in lower case), ends in a word that often
    follows another, and begins with a word that makes no compounds, a name that stands elsewhere in ``text``, or
    something capitalised before a word that no name ends in. Addresses and handles are left alone. A wrong cut hides a
    word that was there, so rather one too few.
    """

    def alone(left: str) -> bool:
        return re.search(rf"\b{left}\b", text) is not None

    def apart(match: re.Match[str]) -> str:
        word = match[0]
        if is_word(word.lower()):
            return word
        for cut in range(_MIN_LEFT, len(word) - 3):
            left, right = word[:cut], word[cut:]
            if right not in _AFTER_WORD or left.lower() in _COMPOUNDS:
                continue
            if is_word(left.lower()) or (left[0].isupper() and right in _AFTER_NAME) or alone(left):
                return f"{left} {right}"
        return word

    return _WORD.sub(apart, _AFTER_NUMBER.sub(" ", text))
