"""Dateline as a retriever of LangChain: any chain or agent can search a collection. What searches is the engine."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from qa.engine import Engine
from qa.library.home import Home, open_home
from qa.models import Ask, Passage
from qa.settings import load_settings


class Limits(BaseModel):
    """What of a collection is searched, and how much of it comes back."""

    model_config = ConfigDict(extra="forbid")

    k: int = Field(default=6, ge=1, le=50)
    as_of: date | None = None
    start: date | None = None
    end: date | None = None
    sources: tuple[str, ...] = ()
    article: str | None = None


class DatelineRetriever(Limits, BaseRetriever):
    """Finds the passages of dated articles that fit a question and its time, best first.

    ``home`` is an open home, or the path of one: that is then opened for reading with the settings of the environment,
    and closed by :meth:`close` or at the end of a ``with``. A home that was handed in stays open. ``k`` (1 to 50) is
    how many documents to return; fewer come when there are no more. ``as_of`` (None: today), ``start`` and ``end`` are
    days, both ends inclusive; ``sources`` are outlets (none: all), ``article`` is the id of the one to search in. Each
    may also be given to ``invoke`` and ``ainvoke``, for that question alone.

    A document's ``page_content`` is the passage as the article has it, its ``id`` is the chunk's. Its metadata:
    ``article_id``, ``chunk_id``, ``start`` and ``end`` (code points in the article), ``published`` (ISO, None when
    undated), ``title``, ``url``, ``source`` (None where unknown) and ``score`` (relative to the best possible for the
    question).

    Raises what ``open_home`` and ``Engine.find`` raise, and pydantic's ``ValidationError`` for an argument that makes
    no sense. Safe to use from several threads.
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    home: Home | Path

    _opened: Home | None = PrivateAttr(default=None)
    _engine: Engine = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Open what has to be opened."""
        super().model_post_init(context)
        if isinstance(self.home, Path):
            home = self._opened = open_home(load_settings(home=self.home))
        else:
            home = self.home
        self._engine = Engine(home)

    def close(self) -> None:
        """Close the home if it was opened here. Closing twice is harmless."""
        if self._opened is not None:
            self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **given: Any
    ) -> list[Document]:
        own = {name: getattr(self, name) for name in Limits.model_fields}
        limits = Limits.model_validate(own | given)
        ask = Ask(query, **limits.model_dump(exclude={"k"}))
        return [_document(hit.passage) for hit in self._engine.find(ask, k=limits.k).hits]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **given: Any
    ) -> list[Document]:
        # LangChain's own does this, too, but leaves out what was given to ``ainvoke``.
        sync = run_manager.get_sync()
        return await asyncio.to_thread(self._get_relevant_documents, query, run_manager=sync, **given)


def _document(passage: Passage) -> Document:
    facts = passage.to_json()
    return Document(page_content=facts.pop("text"), id=passage.chunk_id, metadata=facts)
