"""One question through all of it: retrieve, answer, check. ``stream`` is the async core, ``answer`` folds it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict, replace
from time import perf_counter

from qa.dates import AskedRange, read_range
from qa.errors import FilterError, NotFoundError, QuestionError
from qa.events import DoneEvent, Event, PassagesEvent, StatusEvent
from qa.library.home import Home
from qa.library.reranking import make_reranking
from qa.models import EXTRACTIVE, NO_WISHES, Answer, Ask, DateRange, Filters, Retrieved, Timings
from qa.reader import ExtractiveReader
from qa.retrieve import Retriever
from qa.roster import Roster
from qa.run import DEFAULT_MODEL, Run
from qa.understand import Understood, understand
from qa.weighting import Weighting


class Engine:
    """Answers questions over an open home. One event loop, any number of questions at a time.

    ``patient``: chat models' limits are waited out, as nobody waits for the single answer (:class:`qa.pace.Patience`).
    """

    def __init__(self, home: Home, *, patient: bool = False) -> None:
        self._home = home
        settings = self._settings = home.settings
        self._retriever = Retriever(
            home,
            candidates=settings.candidates,
            per_article=settings.passages_per_article,
            weighting=Weighting(half_life=settings.half_life, floor=settings.age_floor),
            reranking=make_reranking(
                settings.reranker, candidates=settings.rerank_candidates, timeout=settings.rerank_timeout
            ),
        )
        self._reader = ExtractiveReader(home.embedder, abstain_below=settings.abstain_below)
        self._roster = Roster(settings, patient=patient)

    def models(self) -> tuple[str, ...]:
        """The configured model, those that follow when it fails, then the embedded reader."""
        return tuple(dict.fromkeys((*self._roster.names, EXTRACTIVE)))

    @property
    def prompt_version(self) -> str:
        """What of the prompt an answer depends on; part of every batch row's key."""
        return self._roster.prompt_version

    def check(self, ask: Ask) -> None:
        """Raise at once what can be told without searching: ``QuestionError``, ``FilterError``."""
        if not ask.question.strip():
            raise QuestionError("the question is empty")
        try:
            "".join((ask.question, *(turn.content for turn in ask.history))).encode()
        except UnicodeEncodeError:
            raise QuestionError("the question holds lone surrogates, which are no characters") from None
        limit = self._settings.max_question_chars
        if len(ask.question) > limit:
            raise QuestionError(
                f"the question has {len(ask.question)} characters; at most {limit} are accepted",
                hint="Shorten it, or raise DATELINE_MAX_QUESTION_CHARS.",
            )
        _check_history(ask, self._settings.max_history_turns, self._settings.max_history_chars)
        if ask.top_k is not None and not 1 <= ask.top_k <= 50:
            raise QuestionError(f"top_k is {ask.top_k}; it may be 1 to 50")
        if ask.start and ask.end and ask.start > ask.end:
            raise FilterError(f"from ({ask.start}) is after to ({ask.end})")
        if ask.start and ask.as_of and ask.start > ask.as_of:
            raise FilterError(f"from ({ask.start}) is after the as-of date ({ask.as_of}): nothing can match")
        model = self._model_name(ask)
        if model != EXTRACTIVE and ":" not in model and model != self._settings.model:
            known = ", ".join(self.models())
            raise QuestionError(f"there is no model {model!r}", hint=f"Known here: {known}; or write PROVIDER:NAME.")

    def filters(self, ask: Ask) -> Filters:
        """What the question may see; the default as-of date is today in the configured time zone."""
        return Filters(
            as_of=ask.as_of or ask.default_as_of or self._settings.today(),
            as_of_given=ask.as_of is not None,
            start=ask.start,
            end=ask.end,
            sources=tuple(dict.fromkeys(ask.sources)),
            articles=(ask.article,) if ask.article else (),
        )

    def warm(self) -> None:
        """Load what the first question would wait for; at once when it is loaded. Raises ``ModelMissingError``."""
        self._retriever.warm()

    async def search(self, ask: Ask, *, k: int) -> Retrieved:
        """The ``k`` best passages with the parts of their scores, the question's words marked in them; no answer.

        Raises what :meth:`check` raises, and ``NotFoundError`` for an article that is not there.
        """
        self.check(ask)
        filters = self.filters(ask)
        await self._find_articles(filters)
        understood = await self._understand(ask)
        return await asyncio.to_thread(self._searched, understood, filters, k)

    def find(self, ask: Ask, *, k: int) -> Retrieved:
        """The same as :meth:`search` for callers without an event loop, of the question as it was typed.

        No chat model is asked: for one that may use what it searches as a tool, that is done already.
        """
        self.check(ask)
        filters = self.filters(ask)
        self._check_articles(filters)
        return self._retrieved(Understood(ask.question, ask.question), filters, k)

    async def answer(self, ask: Ask) -> Answer:
        """The whole answer."""
        async for event in self.stream(ask):
            if isinstance(event, DoneEvent):
                return event.answer
        raise AssertionError("a stream ends with its answer")

    async def stream(self, ask: Ask) -> AsyncGenerator[Event, None]:
        """The answer as it comes about: status, passages, then deltas with their citations, at last ``DoneEvent``.

        What :meth:`check` raises is raised before the first event, and so is ``NotFoundError`` for an article that is
        not there. ``ModelError`` may be raised later.

        A question that names its model is answered by it, or by those set to follow it, or fails. One that leaves the
        choice open gets less rather than nothing: the embedded reader's answer when the model fails for a while, the
        sentences that came when it breaks off. A warning says so. A model that is set up wrongly is always told.
        """
        self.check(ask)
        begun = perf_counter()
        filters = self.filters(ask)
        await self._find_articles(filters)
        yield StatusEvent("retrieve")
        understood = await self._understand(ask)
        # Loading models is no part of retrieving: it happens once in a process.
        await asyncio.to_thread(self.warm)
        warm_at = perf_counter()
        retrieved = await self._retrieve(understood, filters, ask.top_k or self._settings.top_k)
        passages = retrieved.passages
        yield PassagesEvent(passages)
        retrieved_at = perf_counter()
        yield StatusEvent("generate")
        run = Run(
            ask,
            self._model_name(ask),
            passages,
            filters,
            understood,
            self._reader,
            embedder=self._home.embedder,
            unsupported=self._settings.unsupported,
        )
        # Closed at once, not by the garbage collector, when the caller leaves: so is the model's connection.
        async with aclosing(run.events(self._roster)) as events:
            async for event in events:
                yield event
        ended = perf_counter()
        timings = Timings(
            retrieve=_ms(retrieved_at - warm_at),
            generate=_ms(ended - retrieved_at - run.verifying),
            verify=_ms(run.verifying),
            total=_ms(ended - begun),
        )
        revision = await asyncio.to_thread(self._home.catalog.revision)
        told = (run.model, self._roster.prompt_version, revision)
        answer = run.answer(timings, _answer_id(ask, filters, *told), retrieved)
        yield _done(run, answer, retrieved)

    async def _find_articles(self, filters: Filters) -> None:
        if filters.articles:
            await asyncio.to_thread(self._check_articles, filters)

    def _check_articles(self, filters: Filters) -> None:
        """Raise ``NotFoundError`` for an article asked about that is not there on the as-of date."""
        for article in filters.articles:
            if not self._home.catalog.visible_chunk_count(replace(_anywhere(filters), articles=(article,))):
                raise NotFoundError(
                    f"there is no article {article!r} as of {filters.as_of}", hint="See `dateline articles list`."
                )

    async def _understand(self, ask: Ask) -> Understood:
        settings = self._settings
        name = self._model_name(ask)
        return await understand(
            ask,
            None if name == EXTRACTIVE else self._roster.model(name),
            follow_ups=settings.follow_ups,
            multi_query=settings.multi_query,
            timeout=settings.rewrite_timeout,
        )

    async def _retrieve(self, understood: Understood, filters: Filters, k: int) -> Retrieved:
        return await asyncio.to_thread(self._retrieved, understood, filters, k)

    def _searched(self, understood: Understood, filters: Filters, k: int) -> Retrieved:
        return self._retriever.highlighted(understood.question, self._retrieved(understood, filters, k))

    def _retrieved(self, understood: Understood, filters: Filters, k: int) -> Retrieved:
        asked = _asked_range(understood, filters)
        if asked is not None and asked.demanded:
            filters = replace(filters, start=asked.start, end=asked.end)
        found = self._retriever.retrieve(understood.question, filters, k, asked=asked, further=understood.further)
        given = DateRange(start=filters.start, end=filters.end, reason="asked for by the caller")
        return replace(
            found,
            date_range=_told(asked) if asked else given if filters.start or filters.end else None,
            rewritten_question=understood.rewritten,
            notes=(*understood.notes, *found.notes),
        )

    def _model_name(self, ask: Ask) -> str:
        return self._settings.model if ask.model in (None, DEFAULT_MODEL) else str(ask.model)


def _done(run: Run, answer: Answer, retrieved: Retrieved) -> DoneEvent:
    degraded, refused = run.degraded or bool(retrieved.notes), run.refused + run.assembly.refused
    return DoneEvent(answer, finish=run.ended, degraded=degraded, refused=refused)


def _check_history(ask: Ask, most_turns: int, most_chars: int) -> None:
    if len(ask.history) > most_turns:
        raise QuestionError(
            f"the conversation has {len(ask.history)} messages; at most {most_turns} are accepted",
            hint="Leave out the oldest, or raise DATELINE_MAX_HISTORY_TURNS.",
        )
    chars = sum(len(turn.content) for turn in ask.history)
    if chars > most_chars:
        raise QuestionError(
            f"the conversation has {chars} characters; at most {most_chars} are accepted",
            hint="Leave out the oldest, or raise DATELINE_MAX_HISTORY_CHARS.",
        )


def _anywhere(filters: Filters) -> Filters:
    """The same without limits to days and sources: an article outside of them is there, and has nothing to say."""
    return replace(filters, start=None, end=None, sources=())


def _asked_range(understood: Understood, filters: Filters) -> AskedRange | None:
    """The days the question speaks of, as it was typed or else as it was completed; None where the caller set them."""
    if filters.start or filters.end:
        return None
    return read_range(understood.typed, filters.as_of) or read_range(understood.question, filters.as_of)


def _told(asked: AskedRange) -> DateRange:
    how = "nothing else is seen" if asked.demanded else "preferred"
    return DateRange(start=asked.start, end=asked.end, reason=f"{asked.reason}: {how}")


def _answer_id(ask: Ask, filters: Filters, model: str, prompt: str, revision: int) -> str:
    told = [
        ask.question, [[turn.role, turn.content] for turn in ask.history],
        filters.as_of.isoformat(), filters.as_of_given,
        str(filters.start), str(filters.end), filters.sources, ask.top_k, model, prompt, revision,
        *filters.articles, *([asdict(ask.wishes)] if ask.wishes != NO_WISHES else ()),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def _ms(seconds: float) -> float:
    return round(max(seconds, 0.0) * 1000, 2)
