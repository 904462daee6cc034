"""Pure: words that a scraper glued together, taken apart again for searching.

Where a page's links were stripped, the space beside them often went too: "Lavrovannounced", "Putininvited",
"powerssince". What is searched is repaired; what is kept, shown and quoted stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_GLUABLE = frozenset(
    """
    accused according across added after against agreed along also although among announced appeared argued
    arrived asked asserted attended because before began being believes between both called claimed concluded
    confirmed continued criticized declared defended denied described despite during emphasized ended explained
    expressed followed following from having highlighted however including indicated insisted invited joined
    launched meanwhile offered only opened ordered pointed praised predicted presented proposed published
    received recalled refused rejected released remains replied reported requested responded returned revealed
    said says should signed since started stated stressed told toward towards traveled travelled until upon
    urged visited visits voted wanted warned welcomed when where which while whose wrote
    """.split()
)
"""Words that follow a name or a noun in running text and that no English word ends in by chance, save compounds."""

_WORD = re.compile(r"[^\W\d_]{7,}")
_AFTER_NUMBER = re.compile(r"(?<=[\d%])(?=(?:while|and|but|from|compared|according|after|since|when|which|with)\b)")
_MIN_LEFT = 3


def repair(text: str, is_word: Callable[[str], bool]) -> str:
    """``text`` with glued words taken apart; the same text when there are none.

    A word is taken apart only when it is none itself (``is_word``, given it in lower case), ends in a word that often
    follows another, and begins with a word, a name that stands elsewhere in ``text``, or something capitalised.
    """
    if not text:
        return text
    alone = {match[0] for match in re.finditer(r"[^\W\d_]+", text)}

    def apart(match: re.Match[str]) -> str:
        word = match[0]
        if is_word(word.lower()):
            return word
        for cut in range(_MIN_LEFT, len(word) - 3):
            left, right = word[:cut], word[cut:]
            if right in _GLUABLE and (
                left in alone or is_word(left.lower()) or (left[0].isupper() and cut > _MIN_LEFT)
            ):
                return f"{left} {right}"
        return word

    return _WORD.sub(apart, _AFTER_NUMBER.sub(" ", text))
