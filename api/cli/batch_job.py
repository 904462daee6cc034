"""One run of ``dateline batch``: what is left to ask, asking it until done or interrupted, and writing the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from api.cli.batch_progress import Standing, used
from api.cli.interrupting import interruptible
from api.cli.output import complain, note
from api.cli.progress import meter
from api.client import Asker, asker_for
from api.errors import DONE, INTERRUPTED, PARTIAL, exit_code
from api.files.answers import write_answers
from qa.batch import Plan, Row, plan, results, run, tally
from qa.budget import Budget, Spent
from qa.errors import DatelineError, SettingsError
from qa.journal import Journal, Terms, read_journal
from qa.models import EXTRACTIVE
from qa.prices import load_prices
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
        self,
        rows: Sequence[Row],
        output: Path,
        settings: Settings,
        model: str | None,
        retry_failed: bool,
        budget: Budget | None = None,
    ) -> None:
        self._rows = rows
        self._output = output
        self._journal_path = output.with_name(output.name + ".journal")
        self._settings = settings
        self._model = model
        self._retry_failed = retry_failed
        self._budget = budget or Budget()
        self._ended: DatelineError | None = None
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
        async with asker_for(self._settings, patient=True) as asker:
            terms = await self._terms(asker)
            self._check_prices(terms)
            if plan(self._rows, terms, self._found.entries, retry_failed=self._retry_failed).asks:
                # What would fail every question ends the run here, before there is a journal.
                await asker.ready(terms.model)
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

    def _check_prices(self, terms: Terms) -> None:
        """Raise ``SettingsError`` when money is limited and what it buys has no price here."""
        if self._budget.max_cost is None or self._settings.server_url:
            return
        prices = load_prices(self._settings.prices)
        asked = {row.ask.model or terms.model for row in self._rows}
        if missing := sorted(asked - {EXTRACTIVE} - set(prices)):
            raise SettingsError(
                f"--max-cost needs the price of {missing[0]}",
                hint="Set DATELINE_PRICES, or limit the tokens with --max-tokens.",
            )

    async def _ask(self, asker: Asker, work: Plan, journal: Journal) -> int:
        """Ask until all is answered or somebody interrupts; returns how many were asked."""
        stop = asyncio.Event()
        with meter("Asking", "questions") as shown:
            standing = Standing(shown, len(work.asks), journal.spent)
            running = asyncio.create_task(
                run(
                    work.asks,
                    journal,
                    asker.answer,
                    concurrency=self._settings.concurrency,
                    budget=self._budget,
                    stop=stop,
                    on_row=standing.count,
                )
            )
            with interruptible(stop, running, shown.say):
                await asyncio.wait({running})
        if not running.cancelled():
            self._ended = running.result()
        return standing.done

    def _report(self, work: Plan, journal: Journal, asked: int) -> Report:
        counts = tally(work.keys, journal.entries)
        left = len(work.asks) - asked
        failures = [
            {"id": row.id, **journal.line(key)["error"]}
            for row, key in zip(self._rows, work.keys, strict=True)
            if key in journal.entries and journal.entries[key].outcome == "failed"
        ]
        spent = journal.spent
        document = {
            "output": str(self._output),
            "journal": str(self._journal_path),
            "as_of": journal.terms.as_of.isoformat(),
            "model": journal.terms.model,
            **asdict(counts),
            "asked": asked,
            "interrupted": left > 0,
            "tokens": spent.tokens,
            "costs": {currency: round(amount, 8) for currency, amount in spent.costs.items()},
            "failures": failures,
        }
        summary = (
            f"{_questions(counts.rows)}: {counts.answered} answered, {counts.abstained} abstained, "
            f"{counts.failed} failed, {counts.unanswered} not asked{used(spent)}. Answers are in {self._output}"
        )
        told = tuple(f"{one['id']}: {one['message']} ({one['code']})" for one in failures)
        code, error, hint = self._ending(left, spent)
        if not left and failures:
            code, error = PARTIAL, f"{len(failures)} of {_questions(counts.rows)} failed"
            hint = "Run the same command with --retry-failed to ask them again."
        return Report(document, (summary,), told, error, hint, code)

    def _ending(self, left: int, spent: Spent) -> tuple[int, str, str]:
        """Exit code, what is amiss and what to do, where questions are left; 0 and nothing where none are."""
        if not left:
            return DONE, "", ""
        still = f"with {_questions(left)} still to be asked"
        if self._ended is not None:
            again = "Then run the same command again to go on."
            return exit_code(self._ended), f"stopped {still}: {self._ended}", f"{self._ended.hint} {again}".strip()
        if not self._budget.allows(spent, 0):
            hint = "Run the same command with a larger --max-cost or --max-tokens to go on."
            if self._budget.blind(spent):
                hint = "Set DATELINE_PRICES where the model is asked, or use --max-tokens."
            return PARTIAL, f"stopped {still}: {self._budget.told(spent)}", hint
        return INTERRUPTED, f"interrupted {still}", "Run the same command again to go on."


def _questions(count: int) -> str:
    return f"{count} question" if count == 1 else f"{count} questions"
