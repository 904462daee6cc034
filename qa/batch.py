"""Many questions, each asked once: what is left to ask, asking it with a limit, and the rows in input order.

Knows rows, not file formats. What was answered is remembered by :mod:`qa.journal`, so a run that was killed goes on
where it stopped, and a run over more questions asks only the new ones.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qa.budget import Budget
from qa.errors import DatelineError, ModelAuthError, ModelMissingError, ModelRateLimitError, ModelUnreachableError
from qa.journal import Entry, Journal, Outcome, Terms
from qa.models import Answer, Ask
from qa.rewrite import REWRITE_VERSION

_UNREACHABLE_IN_A_ROW = 5
"""So many questions in a row that found nobody to answer them, each after its retries, end a run."""

KEY_SCHEME = "1"
"""Part of every key, so that a change of recipe cannot pass for a question already answered."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Row:
    """One question of a batch. Ids are unique within it; questions need not be."""

    id: str
    ask: Ask


@dataclass(frozen=True, slots=True)
class Result:
    """A row with its outcome: the answer's JSON object, or why there is none."""

    id: str
    question: str
    answer: dict[str, Any] | None
    error: dict[str, str] | None
    key: str

    def to_json(self) -> dict[str, Any]:
        """The contract's JSON object."""
        return {"id": self.id, "question": self.question, "answer": self.answer, "error": self.error, "key": self.key}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has before it. ``keys`` are those of the rows, in their order; ``asks`` the questions to be asked, by
    key, in the order of their first row; ``recorded`` counts the rows that have an outcome already and keep it."""

    keys: tuple[str, ...]
    asks: Mapping[str, Ask]
    recorded: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How the rows of a batch stand. ``unanswered`` are rows without an outcome, after an interruption."""

    rows: int
    answered: int
    abstained: int
    failed: int
    unanswered: int


def bound(ask: Ask, terms: Terms) -> Ask:
    """The question with everything it leaves open taken from ``terms``."""
    return replace(ask, model=ask.model or terms.model, default_as_of=None if ask.as_of else terms.as_of)


def key_of(ask: Ask, terms: Terms) -> str:
    """The key under which an outcome is kept: a hash of question, history, filters, as-of, top_k, model and prompt
    version. Whether the as-of date was given counts, as undated articles are seen only when it was not; and where there
    is a history, so does what is made of it."""
    ask = bound(ask, terms)
    parts: list[Any] = [
        KEY_SCHEME,
        ask.question,
        [[turn.role, turn.content] for turn in ask.history],
        [day.isoformat() if day else None for day in (ask.as_of, ask.default_as_of, ask.start, ask.end)],
        sorted(set(ask.sources)),
        ask.top_k,
        ask.model,
        terms.prompt_version,
    ]
    # Only where they are: what has neither keeps the key that it had before there were any.
    if ask.article:
        parts.append({"article": ask.article})
    if ask.history:
        parts.append({"rewrite": REWRITE_VERSION})
    return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()[:32]


def plan(rows: Sequence[Row], terms: Terms, entries: Mapping[str, Entry], *, retry_failed: bool = False) -> Plan:
    """What is left to ask. Rows with the same key are asked once; failed ones again only with ``retry_failed``."""
    keys = tuple(key_of(row.ask, terms) for row in rows)
    asks: dict[str, Ask] = {}
    recorded = 0
    for key, row in zip(keys, rows, strict=True):
        entry = entries.get(key)
        if entry is None or (retry_failed and entry.outcome == "failed"):
            asks.setdefault(key, bound(row.ask, terms))
        else:
            recorded += 1
    return Plan(keys, asks, recorded)


async def run(
    asks: Mapping[str, Ask],
    journal: Journal,
    answer: Callable[[Ask], Awaitable[Answer]],
    *,
    concurrency: int,
    budget: Budget | None = None,
    stop: asyncio.Event | None = None,
    on_row: Callable[[Outcome], None] | None = None,
) -> DatelineError | None:
    """Ask every question, up to ``concurrency`` at a time, and record each outcome as it comes.

    A question that fails is an outcome like any other. Once ``stop`` is set or the budget used up no further question
    is asked, and this returns when those in flight are recorded; cancelled, it drops those in flight. The same happens
    when a failure shows that the questions after it will fail as well: it is returned, and is no outcome. ``on_row`` is
    called after each record. Raises ``InputError`` when the journal cannot be written.
    """
    running = _Run(asks, journal, answer, budget or Budget(), stop or asyncio.Event(), on_row)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(asks))):
                group.create_task(running.work())
    except BaseExceptionGroup as failures:
        # One worker failing cancels the others; the first failure is the reason.
        raise failures.exceptions[0] from None
    return running.ended


class _Run:
    """What the workers of one run share."""

    def __init__(
        self,
        asks: Mapping[str, Ask],
        journal: Journal,
        answer: Callable[[Ask], Awaitable[Answer]],
        budget: Budget,
        stop: asyncio.Event,
        on_row: Callable[[Outcome], None] | None,
    ) -> None:
        self.ended: DatelineError | None = None
        self._waiting = iter(asks.items())
        self._journal = journal
        self._answer = answer
        self._budget = budget
        self._stop = stop
        self._on_row = on_row
        self._in_flight = 0
        self._unreachable = 0

    async def work(self) -> None:
        """Ask one question after the other, while there are any that may be asked."""
        while not self._stop.is_set() and self.ended is None:
            if not self._budget.allows(self._journal.spent, self._in_flight):
                return
            if (item := next(self._waiting, None)) is None:
                return
            self._in_flight += 1
            try:
                await self._ask(*item)
            finally:
                self._in_flight -= 1

    async def _ask(self, key: str, ask: Ask) -> None:
        reply: dict[str, Any] | None = None
        told: dict[str, str] | None = None
        try:
            reply = (await self._answer(ask)).to_json()
            self._unreachable = 0
        except DatelineError as error:
            if self._concerns_all(error, ask):
                self.ended = self.ended or error
                return
            told = {"code": error.code, "message": str(error)}
        except Exception as error:  # noqa: BLE001 - a fault of our own in one row must not cost the thousands after it
            _log.exception("a question failed in a way that is not known")
            told = {"code": DatelineError.code, "message": f"{type(error).__name__}: {error}"}
        outcome = self._journal.record(key, ask.question, reply, told)
        if self._on_row is not None:
            self._on_row(outcome)

    def _concerns_all(self, error: DatelineError, ask: Ask) -> bool:
        """Whether the questions after this one would fail for the same reason: nothing is gained by trying them all."""
        self._unreachable = self._unreachable + 1 if isinstance(error, ModelUnreachableError) else 0
        if isinstance(error, ModelRateLimitError):
            # What may pass was waited out before it came to this.
            return True
        if isinstance(error, ModelAuthError | ModelMissingError):
            return ask.model == self._journal.terms.model
        return self._unreachable >= _UNREACHABLE_IN_A_ROW


def results(rows: Sequence[Row], keys: Sequence[str], journal: Journal) -> Iterator[Result]:
    """The rows that have an outcome, in input order; the others are left out."""
    for row, key in zip(rows, keys, strict=True):
        if key in journal.entries:
            line = journal.line(key)
            yield Result(row.id, row.ask.question, line["answer"], line["error"], key)


def tally(keys: Sequence[str], entries: Mapping[str, Entry]) -> Tally:
    """How the rows with these keys stand."""
    outcomes = [entries[key].outcome if key in entries else None for key in keys]
    return Tally(
        rows=len(keys),
        answered=outcomes.count("answered"),
        abstained=outcomes.count("abstained"),
        failed=outcomes.count("failed"),
        unanswered=outcomes.count(None),
    )
