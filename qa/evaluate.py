"""Asks the questions of an evaluation set, each once, and remembers what came of them; what is made of that is
:mod:`qa.evaluation`.

A run that was interrupted goes on where it stopped, as long as nothing changed that could change an outcome: the
fingerprint of what is asked is part of every key. A question that failed is an outcome,
and asked again by the next run.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from time import perf_counter
from typing import Any, Protocol

from qa.engine import Engine
from qa.errors import (
    DatelineError,
    HomeError,
    InputError,
    ModelAuthError,
    ModelMissingError,
    ModelUnreachableError,
    NotFoundError,
    SettingsError,
    StoreUnreachableError,
)
from qa.evaluation.citing import by_support_check, claims, scores
from qa.evaluation.items import Asked, Cited, Item
from qa.journal import Journal
from qa.library.home import Home
from qa.models import Answer, Ask, Retrieved
from qa.reader import ExtractiveReader

Judge = Callable[[Answer], Awaitable[Cited]]
"""Precision and recall of an answer's citations."""

_CONCERN_ALL = (
    HomeError,
    ModelAuthError,
    ModelMissingError,
    SettingsError,
    StoreUnreachableError,
)
"""What fails every question: the run ends there."""
_UNREACHABLE_IN_A_ROW = 5

_log = logging.getLogger(__name__)


class Subject(Protocol):
    """Whoever is evaluated."""

    async def search(self, ask: Ask, *, k: int) -> Retrieved:
        """Up to ``k`` passages, best first."""

    async def answer(self, ask: Ask) -> Answer:
        """One whole answer."""

    async def confidence(self, ask: Ask, answer: Answer, found: Retrieved) -> float | None:
        """How sure the answer is, 0 to 1; None where nothing tells. Comparable within one run."""

    async def published(self, gold: Collection[str]) -> tuple[date, ...]:
        """The days of those gold articles that there are; () where that cannot be told."""


class HomeSubject:
    """The collection in an open home. ``identify`` gives the article's id for a canonical URL, and any id itself.

    Confidence is the embedded reader's, whoever answered: over the same passages it is the same for all models.
    """

    def __init__(self, home: Home, identify: Callable[[str], str]) -> None:
        self._home = home
        self._engine = Engine(home)
        self._reader = ExtractiveReader(home.embedder, abstain_below=0.0)
        self._identify = identify

    def warm(self) -> None:
        """Load what the first question would wait for. Raises ``ModelMissingError``."""
        self._engine.warm()

    @property
    def prompt_version(self) -> str:
        """See :attr:`qa.engine.Engine.prompt_version`."""
        return self._engine.prompt_version

    async def search(self, ask: Ask, *, k: int) -> Retrieved:
        """See :meth:`qa.engine.Engine.search`."""
        return await self._engine.search(ask, k=k)

    async def answer(self, ask: Ask) -> Answer:
        """See :meth:`qa.engine.Engine.answer`."""
        return await self._engine.answer(ask)

    async def confidence(self, ask: Ask, answer: Answer, found: Retrieved) -> float | None:
        """The embedded reader's confidence over the passages of the answer."""
        if not answer.passages:
            return 0.0
        question = answer.rewritten_question or ask.question
        return (await asyncio.to_thread(self._reader.read, question, answer.passages)).confidence

    async def published(self, gold: Collection[str]) -> tuple[date, ...]:
        """The days of publication, as the newest versions have them."""
        return await asyncio.to_thread(self._days, gold)

    def _days(self, gold: Collection[str]) -> tuple[date, ...]:
        found = []
        for one in gold:
            try:
                article = self._home.catalog.article(self._identify(one)).article
            except NotFoundError:
                continue
            if article.published:
                found.append(article.published)
        return tuple(found)


async def judge_by_support_check(answer: Answer) -> Cited:
    """Dateline's own check of support, words alone deciding."""

    def judged() -> Cited:
        return scores(answer, {claim: by_support_check(claim, answer) for claim in claims(answer)})

    return await asyncio.to_thread(judged)


def key_of(item: Item, fingerprint: str) -> str:
    """The key under which the outcome of a question is kept; ``fingerprint`` is of all else that decides about it."""
    told = [fingerprint, item.id, item.question, item.as_of.isoformat() if item.as_of else None, *sorted(item.gold)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def fingerprint_of(told: Mapping[str, Any]) -> str:
    """A hash of whatever decides about outcomes."""
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:32]


def recorded(items: Sequence[Item], fingerprint: str, journal: Journal) -> dict[str, Asked]:
    """What the journal has of these questions, by item id.

    Raises ``InputError`` when it is the journal of something else.
    """
    found = {}
    for item in items:
        key = key_of(item, fingerprint)
        if key not in journal.entries:
            continue
        try:
            found[item.id] = Asked.of_json(journal.line(key)["answer"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                "the journal holds what is no outcome of an evaluation", where=str(journal.path)
            ) from error
    return found


class Evaluation:
    """One run over an evaluation set: ``depth`` passages are searched, and with ``judge`` None no answer is asked for.

    ``on_row`` is called with each outcome once it is recorded.
    """

    def __init__(
        self,
        subject: Subject,
        journal: Journal,
        fingerprint: str,
        *,
        depth: int,
        judge: Judge | None,
        stop: asyncio.Event,
        on_row: Callable[[Asked], None],
    ) -> None:
        self._subject = subject
        self._journal = journal
        self._fingerprint = fingerprint
        self._depth = depth
        self._judge = judge
        self._stop = stop
        self._on_row = on_row
        self._unreachable = 0

    async def run(self, items: Sequence[Item], *, concurrency: int) -> None:
        """Ask ``items``, up to ``concurrency`` at a time, until all are asked or ``stop`` is set.

        A failure is an outcome; one that would fail every question (and the fifth in a row that found nobody to
        answer) is raised, and is no outcome. Raises ``InputError`` when the journal cannot be written.
        """
        waiting = iter(items)

        async def work() -> None:
            while not self._stop.is_set() and (item := next(waiting, None)) is not None:
                self._record(item, await self._outcome(item))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrency, len(items))):
                    group.create_task(work())
        except BaseExceptionGroup as failures:
            # One worker failing cancels the others; the first failure is the reason.
            raise failures.exceptions[0] from None

    def _record(self, item: Item, asked: Asked) -> None:
        self._journal.record(key_of(item, self._fingerprint), item.question, asked.to_json(), None)
        self._on_row(asked)

    async def _outcome(self, item: Item) -> Asked:
        """Answered first, so that its latency is that of a question asked for the first time; then searched."""
        ask = replace(item.ask, default_as_of=None if item.as_of else self._journal.terms.as_of)
        asked = Asked()
        answer: Answer | None = None
        if self._judge:
            try:
                answer = await self._subject.answer(ask)
                self._unreachable = 0
                cited = None if answer.abstained else await self._judge(answer)
                asked = replace(asked, answer=answer, cited=cited)
            except Exception as error:  # noqa: BLE001 - a fault of our own in one row must not cost those after it
                asked = replace(asked, error=self._told(error))
        try:
            begun = perf_counter()
            found = await self._subject.search(ask, k=self._depth)
            spent = (perf_counter() - begun) * 1000
            days = await self._subject.published(item.gold)
            asked = replace(asked, passages=found.passages, search_ms=round(spent, 2), gold_published=days)
            if answer:
                asked = replace(asked, confidence=await self._subject.confidence(ask, answer, found))
        except Exception as error:  # noqa: BLE001 - as above
            asked = replace(asked, error=asked.error or self._told(error))
        return asked

    def _told(self, error: Exception) -> tuple[str, str]:
        """Code and message; raises the error itself when it concerns every question."""
        if isinstance(error, _CONCERN_ALL):
            raise error
        self._unreachable = self._unreachable + 1 if isinstance(error, ModelUnreachableError) else 0
        if self._unreachable >= _UNREACHABLE_IN_A_ROW:
            raise error
        if isinstance(error, DatelineError):
            return error.code, str(error)
        _log.error("a question failed in a way that is not known", exc_info=error)
        return DatelineError.code, f"{type(error).__name__}: {error}"
