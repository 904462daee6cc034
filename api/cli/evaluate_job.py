"""One run of ``dateline eval DATASET``: asking what was not asked yet, and what came of all questions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from api.cli.evaluate import Wanted
from api.cli.interrupting import interruptible
from api.cli.output import complain, note
from api.cli.progress import meter
from api.client import Asker, asker_for
from api.errors import DONE, INTERRUPTED, PARTIAL
from api.files.evaluation_sets import read_evaluation_set
from ingest.clean import article_id, canonical_url
from qa.errors import UsageError
from qa.evaluate import (
    Evaluation,
    HomeSubject,
    Judge,
    Subject,
    fingerprint_of,
    judge_by_support_check,
    recorded,
)
from qa.evaluation.items import Asked, Item
from qa.evaluation.rows import Figures, figures
from qa.evaluation.summary import document
from qa.journal import Journal, Terms
from qa.models import Answer, Ask, Retrieved
from qa.settings import Settings

_FAILURES_SHOWN = 20
_DECIDE_NOTHING = {"concurrency", "home", "host", "log_level", "max_body_bytes", "port", "server_url"}
"""Settings that change no outcome."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to: questions with their outcomes and figures in the order of the set, and how it ended.

    After an interruption there are only the questions that were asked; ``left`` counts the others.
    """

    dataset: str
    depth: int
    model: str
    as_of: date
    retrieval_only: bool
    items: tuple[Item, ...]
    asked: tuple[Asked, ...]
    rows: tuple[Figures, ...]
    document: dict[str, Any] = field(repr=False)
    left: int = 0

    @property
    def failures(self) -> list[tuple[str, str, str]]:
        """Id, code and message of each question that failed."""
        return [(item.id, *one.error) for item, one in zip(self.items, self.asked, strict=True) if one.error]

    @property
    def code(self) -> int:
        """The exit code."""
        return INTERRUPTED if self.left else PARTIAL if self.failures else DONE

    def complain(self) -> None:
        """Say on stderr what did not work out."""
        failures = self.failures
        for one, code, message in failures[:_FAILURES_SHOWN]:
            note(f"{one}: {message} ({code})")
        if len(failures) > _FAILURES_SHOWN:
            note(f"... and {len(failures) - _FAILURES_SHOWN} more failures")
        if self.left:
            complain(
                f"interrupted with {self.left} of {len(self.items) + self.left} questions still to be asked",
                "Run the same command again to go on.",
            )
        elif failures:
            complain(
                f"{len(failures)} of {len(self.items)} questions failed, and count as failures",
                "Run the same command again to ask those anew.",
            )


class EvaluationJob:
    """The set and how it is asked. Making one reads the set, and raises what that raises."""

    def __init__(self, wanted: Wanted, settings: Settings) -> None:
        self._wanted = wanted
        self._settings = settings
        self._items = [
            item if item.as_of else replace(item, as_of=wanted.as_of) for item in read_evaluation_set(wanted.dataset)
        ]
        if wanted.retrieval_only and wanted.judge:
            raise UsageError("--judge judges answers, and --retrieval-only asks for none")
        if wanted.report and not wanted.report.parent.is_dir():
            raise UsageError(f"{wanted.report}: there is no directory {wanted.report.parent}")

    async def run(self) -> Result:
        """Ask what is left, write the report if one is wanted, and give up the journal once all went well."""
        judge = None if self._wanted.retrieval_only else _judge(self._wanted.judge, self._settings)
        async with self._subject() as (subject, told, model, prompt):
            terms = Terms(self._settings.today(), model, prompt)
            with Journal.open(self._wanted.journal, terms) as journal:
                result = await self._asked(subject, journal, fingerprint_of({**told, **self._decides()}), judge, model)
        if self._wanted.report:
            from api.files.evaluation_page import write_page

            write_page(result, self._wanted.report)
        if result.code == DONE:
            self._wanted.journal.unlink(missing_ok=True)
        return result

    def _decides(self) -> dict[str, Any]:
        """What of this command decides about outcomes."""
        wanted = self._wanted
        return {"depth": wanted.depth, "answers": not wanted.retrieval_only, "judge": wanted.judge}

    async def _asked(
        self, subject: Subject, journal: Journal, fingerprint: str, judge: Judge | None, model: str
    ) -> Result:
        known = {one: asked for one, asked in recorded(self._items, fingerprint, journal).items() if not asked.error}
        left = [item for item in self._items if item.id not in known]
        if known and left:
            note(f"Going on: {len(known)} of {len(self._items)} questions have been asked.")
        await self._ask(subject, journal, fingerprint, judge, left)
        outcomes = recorded(self._items, fingerprint, journal)
        items = tuple(item for item in self._items if item.id in outcomes)
        if not items:
            raise KeyboardInterrupt
        asked = tuple(outcomes[item.id] for item in items)
        wanted = self._wanted
        rows = tuple(figures(items, asked, wanted.depth, canonical_url, answers=not wanted.retrieval_only))
        told = document(str(wanted.dataset), [item.id for item in items], rows, retrieval_only=wanted.retrieval_only)
        missing = len(self._items) - len(items)
        return Result(
            str(wanted.dataset), wanted.depth, model, journal.terms.as_of, wanted.retrieval_only,
            items, asked, rows, told, missing,
        )  # fmt: skip

    async def _ask(
        self, subject: Subject, journal: Journal, fingerprint: str, judge: Judge | None, left: Sequence[Item]
    ) -> None:
        stop = asyncio.Event()
        done = failed = 0
        with meter("Asking", "questions") as shown:

            def count(asked: Asked) -> None:
                nonlocal done, failed
                done, failed = done + 1, failed + (asked.error is not None)
                shown.show(done, len(left), f"{failed} failed")

            shown.show(0, len(left))
            evaluation = Evaluation(
                subject, journal, fingerprint, depth=self._wanted.depth, judge=judge, stop=stop, on_row=count
            )
            running = asyncio.create_task(evaluation.run(left, concurrency=self._wanted.concurrency))
            with interruptible(stop, running, shown.say):
                await asyncio.wait({running})
        if not running.cancelled():
            running.result()

    @asynccontextmanager
    async def _subject(self) -> AsyncIterator[tuple[Subject, dict[str, Any], str, str]]:
        """Who is asked, what of it decides about outcomes, its model, and its prompt version."""
        settings = self._settings
        async with AsyncExitStack() as stack:
            if settings.server_url:
                asker = await stack.enter_async_context(asker_for(settings))
                model, prompt = await asker.model(), await asker.prompt_version()
                # What else it is set to, and what it has, is not known from here.
                yield (
                    ServerSubject(asker),
                    {"server": settings.server_url, "model": model, "prompt": prompt},
                    model,
                    prompt,
                )
                return
            from qa.library.home import open_home

            home = stack.enter_context(open_home(settings))
            subject = HomeSubject(home, _identify)
            await asyncio.to_thread(subject.warm)
            decides = settings.model_dump(mode="json", exclude=_DECIDE_NOTHING)
            told = {**decides, "in": str(home.path.resolve()), "revision": home.catalog.revision()}
            yield subject, told, settings.model, subject.prompt_version


class ServerSubject:
    """A running service. Confidence is the cosine of the nearest passage: all that is told there."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    async def search(self, ask: Ask, *, k: int) -> Retrieved:
        """Search there."""
        return await self._asker.search(ask, k=k)

    async def answer(self, ask: Ask) -> Answer:
        """Ask there."""
        return await self._asker.answer(ask)

    async def confidence(self, ask: Ask, answer: Answer, found: Retrieved) -> float | None:
        """See the class."""
        return max((hit.similarity for hit in found.hits if hit.similarity is not None), default=None)

    async def published(self, gold: Collection[str]) -> tuple[date, ...]:
        """Not told."""
        return ()


def _identify(gold: str) -> str:
    return article_id(gold, None, "") if "://" in gold else gold


def _judge(name: str | None, settings: Settings) -> Judge:
    if name is None:
        return judge_by_support_check
    from qa.judging import ChatJudge
    from qa.roster import Roster

    return ChatJudge(Roster(settings).model(name))
