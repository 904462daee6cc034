"""What a runner of a peer offers, in words of the standard library alone: runners are imported by other environments.

A runner is a module with the functions of :class:`Runner`. What a user of the peer would write stands above what only
the bench needs; lines are counted of the functions that a variant names and of all that these use, see
``tests.bench.peers.lines``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, Protocol

Found = list[tuple[str, str]]
"""URL and text of the passages found, best first."""

Search = Callable[[str, date, int], Found]
"""A question, the day it is asked, and how many passages are wanted."""

Lookup = Callable[[Sequence[str]], list[list[float]]]
"""Texts to the vectors that were made of them before. Raises ``KeyError`` for a text that was not embedded."""


class Failed(Exception):
    """A peer cannot be measured; the words say why, in one line."""


class Variant(NamedTuple):
    """One way of using a peer: a row of the table."""

    ingest: Callable[[Path, Path, Any], None]
    """Articles (JSON Lines) into a folder, by an embedder. What is in the folder is all that the search may use."""

    opened: Callable[[Path, Path], Search]
    """The search over a folder, given the weights that questions are embedded with."""


class Runner(Protocol):
    """The functions of a runner's module."""

    TITLE: str
    DISTRIBUTIONS: Sequence[str]
    """Whose versions stand in the table, the peer's own first."""
    EMBEDS: bool
    VARIANTS: Mapping[str, Variant]

    def embedder(self, weights: Path) -> Any:
        """What the peer embeds articles with, loaded; None when it embeds nothing."""

    def warm(self, embedder: Any) -> None:
        """Do what happens only once in a process, so that it is not taken for ingest."""

    def texts(self, articles: Path) -> list[str]:
        """What the peer would embed of the articles, in any order; [] when it is not given vectors."""

    def ready(self, lookup: Lookup) -> Any:
        """An embedder of the peer's own kind that looks vectors up; None for a peer that is to use its own."""
