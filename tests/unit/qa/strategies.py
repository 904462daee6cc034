"""Values and Hypothesis strategies shared by the tests of ``qa``."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from qa.candidates import Candidate, VersionFacts
from qa.models import Passage

# Prose with everything that makes sentence splitting and markers hard.
_ATOMS = [
    "The",
    "minister",
    "said",
    "so",
    "on",
    "Monday",
    "Mr",
    "U.S",
    "e.g",
    "Dr",
    "J",
    "3.8",
    "2023",
    "17",
    "etc",
    "talks",
    "I",
    "Theodore",
    "in",
    "Kyiv",
    "ended",
    "not",
    "éclair",
    "Ärzte",
    "北京",
    "he",
    ".",
    ".",
    ".",
    "!",
    "?",
    "…",
    ":",
    "-",
    "“",
    "”",
    '"',
    "'",
    "(",
    ")",
    "»",
    "%",
    " ",
    " ",
    " ",
    " ",
    "\n",
    "\n\n",
    "\t",
    "\u00a0",
    "\u2028",
    "[1]",
    "[2]",
    " [3]",
    "[1, 2]",
    "[1-3]",
    "[^1]",
    "【1】",
    "【2†source】",
    "[",
    "]",
    "[[1]]",
    "[1[2]]",
    "[9]",
    "[0]",
    "[2023]",
    "[٣]",
    "[1",
    "1]",
    "[ 4 ]",
    "[1234]",
    "【",
    "】",
    "[a]",
    "[１]",
    "[passage 1]",
    "(source 2)",
    "according to passage 2",
    "[Sources 1 and",
    "(",
    "(1",
    "\u00b9",
    "<sup>2</sup>",
    "<sup",
    "1.",
    "- ",
    "\n[^1]:",
    "[1](",
    "https://x.test/a",
    "www.evil.example",
    "![",
    "](",
    "<img src=x>",
    "\u200b",
    "**",
    "no",
    "12",
    "$5",
    "May",
    "Lavrov",
    "beat",
    "Vieira",
    "rose",
    "fell",
]

prose = st.lists(st.sampled_from(_ATOMS), max_size=40).map("".join)
any_text = st.one_of(prose, st.text(max_size=200))


def passage(text: str, *, n: int = 1, start: int = 0, published: date | None = None, **told: Any) -> Passage:
    """The whole of an article's piece that begins at ``start``."""
    return Passage(
        chunk_id=f"a{n}.1.0",
        article_id=f"a{n}",
        score=1.0,
        text=text,
        start=start,
        end=start + len(text),
        published=published,
        **told,
    )


def candidate(
    name: str, *, article: str = "a", score: float = 1.0, fused: float = 1.0, age_weight: float = 1.0
) -> Candidate:
    """A candidate of which only its names and the parts of its score matter."""
    version = VersionFacts(article, 1, None, None, None, None, None, None, f"{article}.1", None, None)
    return Candidate(name, version, 0, 0, score, fused, age_weight)


@st.composite
def split(draw: st.DrawFn, text: str) -> list[str]:
    """``text`` cut into pieces anywhere."""
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=12)) | {0, len(text)})
    return [text[a:b] for a, b in pairwise(cuts)]
