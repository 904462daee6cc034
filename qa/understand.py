"""A question before it is searched: a follow-up is completed from the conversation, and a chat model may name further
queries. The model helps within a time limit, and is never needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from qa.errors import ModelError
from qa.llm import ChatModel, Ending
from qa.models import Ask, Usage
from qa.prompt import Message
from qa.queries import MAX_REPLY_CHARS, accepted_follow_up, accepted_queries, follow_up_messages, query_messages
from qa.rewrite import complete, dependence

FollowUps = Literal["auto", "code", "off"]


@dataclass(frozen=True, slots=True)
class Understood:
    """What is searched for a question. ``question`` is what was typed, or that completed; ``further`` queries are about
    the same. ``usage`` is what a chat model took for it, ``notes`` what did not work."""

    typed: str
    question: str
    further: tuple[str, ...] = ()
    usage: Usage | None = None
    notes: tuple[str, ...] = ()

    @property
    def rewritten(self) -> str | None:
        """The completed question; None when the typed one is searched as it is."""
        return self.question if self.question != self.typed else None


async def understand(
    ask: Ask, model: ChatModel | None, *, follow_ups: FollowUps, multi_query: bool, timeout: float
) -> Understood:
    """What to search for ``ask``. ``model`` None: nobody to ask; ``timeout`` in seconds is for each time it is asked.

    With ``follow_ups`` at ``auto`` the model completes what leans on the history, and what may; code completes what
    surely does where there is no model, it fails, or its reply cannot be relied on. ``code`` asks no model.
    """
    helper = _Helper(model, timeout)
    leans = "no" if follow_ups == "off" else dependence(ask.question, ask.history)
    completed: str | None = None
    if leans != "no" and follow_ups == "auto":
        reply = await helper.reply(follow_up_messages(ask.question, ask.history), "to complete the question")
        completed = accepted_follow_up(reply, ask.question, ask.history)
    if completed is None and leans == "yes":
        completed = complete(ask.question, ask.history)
    question = completed or ask.question
    further: tuple[str, ...] = ()
    if multi_query:
        further = accepted_queries(await helper.reply(query_messages(question), "to name queries"), question)
    return Understood(ask.question, question, further, helper.usage, tuple(helper.notes))


class _Helper:
    """A chat model that is asked, and what came of it."""

    def __init__(self, model: ChatModel | None, timeout: float) -> None:
        self._model = model
        self._timeout = timeout
        self.usage: Usage | None = None
        self.notes: list[str] = []

    async def reply(self, messages: Sequence[Message], purpose: str) -> str:
        """The reply, or as much as is read of it; "" when there is no model, or it fails or is late.

        One that has failed again and again is not waited for: whether it is back, the answer finds out.
        """
        if self._model is None or not self._model.breaker.closed:
            return ""
        text = ""
        try:
            async with asyncio.timeout(self._timeout), aclosing(self._model.stream(messages)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Ending):
                        self.usage = piece.usage if self.usage is None else self.usage + (piece.usage or Usage())
                        continue
                    text += piece
                    if len(text) > MAX_REPLY_CHARS:
                        break
        except TimeoutError:
            self.notes.append(f"the chat model did not come {purpose} within {self._timeout:g} s")
            return ""
        except ModelError as error:
            self.notes.append(f"the chat model failed {purpose}: {error}")
            return ""
        return text
