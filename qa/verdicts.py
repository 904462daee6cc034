"""What the check says of a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "date", "name", "negation", "quotation", "words", "none"]
Similarity = Callable[[str, str], float]
"""How near two texts are in meaning, -1 to 1."""

CONTRADICTIONS: frozenset[Kind] = frozenset({"number", "date", "name", "negation", "quotation"})
"""Kinds of refusal that no setting lets pass."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sentence is supported; if not, ``reason`` says what is missing and ``kind`` of what kind it is.

    ``lacking``: the source does not say it at all, so that another may; otherwise the source says something else.
    """

    supported: bool
    reason: str | None = None
    kind: Kind | None = None
    lacking: bool = False

    @property
    def contradicted(self) -> bool:
        """Whether the source says otherwise, or does not say a number, date, name, "not" or quotation at all."""
        return self.kind in CONTRADICTIONS
