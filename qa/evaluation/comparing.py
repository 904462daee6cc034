"""Pure: what changed between two evaluations of the same questions, and whether it is noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qa.errors import InputError
from qa.evaluation.resampling import Paired, paired

BETTER_WHEN_LESS = frozenset({"failed", "leaks", "cost", "input_tokens", "output_tokens"})
_NEITHER = frozenset({"abstained", "unanswerable", "confidence"})


@dataclass(frozen=True, slots=True)
class Change:
    """One metric of both: the means over the questions that both have a figure for, and their paired difference."""

    name: str
    before: float
    after: float
    paired: Paired

    @property
    def verdict(self) -> str:
        """``noise``, or ``better``, ``worse`` or (where neither can be said) ``changed``."""
        if self.paired.noise:
            return "noise"
        if self.name in _NEITHER:
            return "changed"
        less = self.name in BETTER_WHEN_LESS or self.name.endswith("_ms")
        return "better" if (self.paired.difference < 0) == less else "worse"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The metrics that both evaluations have, and how many questions only one of them has."""

    changes: tuple[Change, ...]
    only_before: int
    only_after: int


def compare(before: Mapping[str, Any], after: Mapping[str, Any], *, names: tuple[str, str] = ("", "")) -> Comparison:
    """Two documents of ``dateline eval --json``, question by question. ``names`` are those of their files.

    Raises ``InputError`` for a document of another form, and for two that share no question.
    """
    ours, theirs = (_rows(told, name) for told, name in zip((before, after), names, strict=True))
    shared = [one for one in ours if one in theirs]
    if not shared:
        raise InputError("the two evaluations share no question", where=" and ".join(filter(None, names)))
    changes = []
    for name in ours[shared[0]]:
        pairs = [(ours[one].get(name), theirs[one].get(name)) for one in shared]
        both = [(one, other) for one, other in pairs if one is not None and other is not None]
        if both:
            was, now = zip(*both, strict=True)
            changes.append(Change(name, sum(was) / len(was), sum(now) / len(now), paired(was, now)))
    return Comparison(tuple(changes), len(ours) - len(shared), len(theirs) - len(shared))


def _rows(told: Mapping[str, Any], name: str) -> dict[str, dict[str, float | None]]:
    """The figures of each question by its id."""
    rows = told.get("rows") if isinstance(told, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "id" in row for row in rows):
        hint = "Write it with `dateline eval DATASET --json > FILE`."
        raise InputError("this is no evaluation: it has no rows", where=name, hint=hint)
    found = {}
    for row in rows:
        figures = {key: value for key, value in row.items() if key != "id"}
        wrong = [key for key, value in figures.items() if not (value is None or isinstance(value, int | float))]
        if wrong:
            raise InputError(f"the row {row['id']!r} has no figure for {wrong[0]!r}", where=name)
        found[str(row["id"])] = figures
    return found
