"""One run of ``dateline batch``: what is left to ask, asking it until done or interrupted, and writing the answers."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from api.cli.output import complain, note
from api.cli.progress import Meter, meter
from api.client import Asker, asker_for
from api.errors import DONE, INTERRUPTED, PARTIAL
from api.files.answers import write_answers
from qa.batch import Plan, Row, plan, results, run, tally
from qa.journal import Journal, Outcome, Terms, read_journal
from qa.settings import Settings

_FAILURES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a run: its JSON document, what people are told, its failures, and the exit code."""

    document: dict[str, Any]
    lines: tuple[str, ...]
    failures: tuple[str, ...] = ()
    error: str = ""
    hint: str = ""
    code: int = DONE

    def complain(self) -> None:
        """Say on stderr what did not work out."""
        for failure in self.failures[:_FAILURES_SHOWN]:
            note(failure)
        if len(self.failures) > _FAILURES_SHOWN:
            note(f"... and {len(self.failures) - _FAILURES_SHOWN} more failures")
        if self.error:
            complain(self.error, self.hint)


class Job:
    """The rows and where their answers go. ``model`` is the one asked for on the command line, if any.

    Making one reads the journal: raises ``InputError`` when it is no journal.
    """

    def __init__(
        self, rows: Sequence[Row], output: Path, settings: Settings, model: str | None, retry_failed: bool
    ) -> None:
        self._rows = rows
        self._output = output
        self._journal_path = output.with_name(output.name + ".journal")
        self._settings = settings
        self._model = model
        self._retry_failed = retry_failed
        self._found = read_journal(self._journal_path)

    async def look(self) -> Report:
        """Say what would be asked. Asks and writes nothing."""
        async with asker_for(self._settings) as asker:
            terms = await self._terms(asker)
        work = plan(self._rows, terms, self._found.entries, retry_failed=self._retry_failed)
        ids = tuple(row.id for row, key in zip(self._rows, work.keys, strict=True) if key in work.asks)
        document = {
            "questions": len(self._rows),
            "recorded": work.recorded,
            "to_ask": len(work.asks),
            "ids": ids,
            "as_of": terms.as_of.isoformat(),
            "model": terms.model,
        }
        summary = (
            f"{_questions(len(self._rows))}: {work.recorded} have been asked, {len(work.asks)} would be asked now."
        )
        return Report(document, (summary, *ids))

    async def run(self) -> Report:
        """Ask what is left, and write the answers there are, however that ended."""
        async with asker_for(self._settings) as asker:
            terms = await self._terms(asker)
            if plan(self._rows, terms, self._found.entries, retry_failed=self._retry_failed).asks:
                # What would fail every question ends the run here, before there is a journal.
                await asker.ready()
            with Journal.open(self._journal_path, terms) as journal:
                self._tell_terms(journal)
                work = plan(self._rows, journal.terms, journal.entries, retry_failed=self._retry_failed)
                asked = 0
                try:
                    if work.asks:
                        asked = await self._ask(asker, work, journal)
                finally:
                    write_answers(self._output, results(self._rows, work.keys, journal))
                return self._report(work, journal, asked)

    async def _terms(self, asker: Asker) -> Terms:
        """What questions are asked under when they say nothing else; a batch begun before keeps its as-of date."""
        begun = self._found.terms
        if not self._settings.server_url:
            model, prompt = self._settings.model, await asker.prompt_version()
        elif begun:
            # The service's own defaults may have changed since the batch began.
            model, prompt = self._model or begun.model, begun.prompt_version
        else:
            model, prompt = self._model or await asker.model(), await asker.prompt_version()
        return Terms(begun.as_of if begun else self._settings.today(), model, prompt)

    def _tell_terms(self, journal: Journal) -> None:
        if journal.begun is None:
            return
        if journal.terms.as_of != self._settings.today():
            note(
                f"Today is taken to be {journal.terms.as_of}, when this batch began. "
                f"For a batch as of another day use --as-of, or another output."
            )
        if journal.terms != journal.begun:
            note(
                f"Questions answered by {journal.begun.model} are asked again: the model or the prompt is another now."
            )

    async def _ask(self, asker: Asker, work: Plan, journal: Journal) -> int:
        """Ask until all is answered or somebody interrupts; returns how many were asked."""
        stop = asyncio.Event()
        counts: Counter[Outcome] = Counter()
        with meter("Asking", "questions") as shown:

            def show() -> None:
                kinds = f"{counts['abstained']} abstained, {counts['failed']} failed"
                shown.show(counts.total(), len(work.asks), kinds)

            def count(outcome: Outcome) -> None:
                counts[outcome] += 1
                show()

            show()
            concurrency = self._settings.concurrency
            running = asyncio.create_task(
                run(work.asks, journal, asker.answer, concurrency=concurrency, stop=stop, on_row=count)
            )
            with _interruptible(stop, running, shown):
                await asyncio.wait({running})
        if not running.cancelled():
            running.result()
        return counts.total()

    def _report(self, work: Plan, journal: Journal, asked: int) -> Report:
        counts = tally(work.keys, journal.entries)
        interrupted = asked < len(work.asks)
        failures = [
            {"id": row.id, **journal.line(key)["error"]}
            for row, key in zip(self._rows, work.keys, strict=True)
            if key in journal.entries and journal.entries[key].outcome == "failed"
        ]
        document = {
            "output": str(self._output),
            "journal": str(self._journal_path),
            "as_of": journal.terms.as_of.isoformat(),
            "model": journal.terms.model,
            **asdict(counts),
            "asked": asked,
            "interrupted": interrupted,
            "failures": failures,
        }
        code, error, hint = DONE, "", ""
        if interrupted:
            code, error = INTERRUPTED, f"interrupted with {_questions(len(work.asks) - asked)} still to be asked"
            hint = "Run the same command again to go on."
        elif failures:
            code, error = PARTIAL, f"{len(failures)} of {_questions(counts.rows)} failed"
            hint = "Run the same command with --retry-failed to ask them again."
        summary = (
            f"{_questions(counts.rows)}: {counts.answered} answered, {counts.abstained} abstained, "
            f"{counts.failed} failed, {counts.unanswered} not asked. Answers are in {self._output}"
        )
        told = tuple(f"{one['id']}: {one['message']} ({one['code']})" for one in failures)
        return Report(document, (summary,), told, error, hint, code)


def _questions(count: int) -> str:
    return f"{count} question" if count == 1 else f"{count} questions"


@contextmanager
def _interruptible(stop: asyncio.Event, running: asyncio.Task[None], shown: Meter) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) sets ``stop``, so that questions in flight are finished; the second drops them."""
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        if stop.is_set():
            running.cancel()
            return
        stop.set()
        shown.say("Finishing the questions in flight; press Ctrl-C again to drop them.")

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
