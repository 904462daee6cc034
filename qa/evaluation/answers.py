"""Pure: how near an answer's text comes to what is right."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

from qa.evaluation.items import plain

_MARKER = re.compile(r" ?\[\d+\]")
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation + "“”‘’«»…–—")


def said(text: str) -> str:
    """What an answer says, without its citation markers."""
    return _MARKER.sub("", text)


def exact_match(text: str, answers: Sequence[str]) -> float:
    """1 when ``text`` is one of ``answers`` but for case, punctuation and articles, else 0.

    Source: Rajpurkar, Zhang, Lopyrev and Liang 2016 (SQuAD), its normalisation; typographic quotes and dashes count as
    punctuation, too.
    """
    return float(any(_normal(text) == _normal(answer) for answer in answers))


def f1(text: str, answers: Sequence[str]) -> float:
    """The best harmonic mean of precision and recall of the words of one of ``answers``; source as above.

    Where either has no words, 1 if both have none, else 0.
    """
    return max((_overlap(_normal(text).split(), _normal(answer).split()) for answer in answers), default=0.0)


def choice(text: str, answers: Sequence[str], choices: Sequence[str]) -> float:
    """1 when ``text`` points to a choice that is right, 0 when to another or none; a share where it points to several.

    It points to the choices of whose words it holds the greatest share; to none where it holds no word of any.
    """
    words = set(plain(text).split())
    shares = [_share(plain(one).split(), words) for one in choices]
    best = max(shares, default=0.0)
    if not best:
        return 0.0
    pointed = [one for one, share in zip(choices, shares, strict=True) if share == best]
    right = {plain(answer) for answer in answers}
    return sum(plain(one) in right for one in pointed) / len(pointed)


def _share(wanted: Sequence[str], words: set[str]) -> float:
    return sum(word in words for word in wanted) / len(wanted) if wanted else 0.0


def _normal(text: str) -> str:
    return " ".join(_ARTICLE.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def _overlap(ours: Sequence[str], theirs: Sequence[str]) -> float:
    if not ours or not theirs:
        return float(not ours and not theirs)
    same = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * same / (len(ours) + len(theirs))
