"""Pure: the kinds of questions that are looked at apart."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qa.evaluation.items import Item

TIME_EXPRESSION = re.compile(
    r"\b((19|20)\d\d|(to|yester)day|tomorrow|tonight|now|new(ly|est)|latest|recent(ly)?|current(ly)?|soon|upcoming"
    r"|(mon|tues|wednes|thurs|fri|satur|sun)day|jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|june?|july?|aug(ust)?"
    r"|sept(ember)?|oct(ober)?|nov(ember)?|dec(ember)?"
    r"|(this|last|next|past|coming|previous) (day|night|week(end)?|month|year|decade)s?"
    r"|(this|last|next|past|coming) (spring|summer|fall|autumn|winter))"
    r"\b",
    re.IGNORECASE,
)
"""What makes a question speak of a time. Kept apart from what answers questions: the same ones fall into a slice
whatever that learns to read."""

_KINDS = (
    ("how many, how much", re.compile(r"\bhow (?:many|much|often|long|old|far|large|high|big|tall)\b", re.I)),
    ("number", re.compile(r"\b(?:what|which) (?:percentage|share|number|amount|price|figure|sum)\b", re.I)),
    ("when", re.compile(r"\bwhen\b|\b(?:what|which) (?:date|day|month|year|time)\b", re.I)),
    ("who", re.compile(r"\b(?:who|whom|whose)\b", re.I)),
    ("where", re.compile(r"\bwhere\b|\b(?:what|which) (?:country|city|state|region|place)\b", re.I)),
    ("why", re.compile(r"\bwhy\b", re.I)),
    ("which", re.compile(r"\bwhich\b", re.I)),
    ("what", re.compile(r"\bwhat\b", re.I)),
    ("how", re.compile(r"\bhow\b", re.I)),
)


def kind_of(question: str) -> str:
    """What a question asks for, by its words in English; "other" where they do not tell."""
    kind = next((name for name, pattern in _KINDS if pattern.search(question)), "other")
    return "how many, how much" if kind == "number" else kind


def slices_of(item: Item) -> Iterator[tuple[str, str]]:
    """The slices a question falls into, as (what they are by, which)."""
    yield "time", "time-sensitive" if TIME_EXPRESSION.search(item.question) else "not time-sensitive"
    yield "gold articles", "known" if item.gold else "not known"
    yield "question type", item.kind or kind_of(item.question)
