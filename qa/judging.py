"""Citations judged by a chat model instead of the check of support."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

from qa.errors import ModelReplyError
from qa.evaluation.citing import Claim, claims, scores, sources
from qa.evaluation.items import Cited
from qa.llm import ChatModel, Ending
from qa.models import Answer
from qa.prompt import Message, readable

MAX_REPLY_CHARS = 200
"""A verdict is read no further."""


class ChatJudge:
    """Asks a model about every claim of an answer. Raises the ``ModelError`` family."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    async def __call__(self, answer: Answer) -> Cited:
        """Citation precision and recall. What all citations together do not support is asked about no further."""
        verdicts: dict[Claim, bool] = {}
        lost: set[str] = set()
        for claim in claims(answer):
            # The whole of a sentence's citations comes first.
            verdicts[claim] = claim.text not in lost and await self._supports(claim, answer)
            if not verdicts[claim] and claim.whole:
                lost.add(claim.text)
        return scores(answer, verdicts)

    async def _supports(self, claim: Claim, answer: Answer) -> bool:
        reply = await reply_of(self._model, _messages(claim, answer), MAX_REPLY_CHARS)
        said = reply.strip().lower().strip(".*\"'` ").split()
        verdict = said[0].strip(".,:;*") if said else ""
        if verdict not in ("yes", "no"):
            raise ModelReplyError(f"the judge {self._model.config.spec} said neither yes nor no: {reply[:60]!r}")
        return verdict == "yes"


async def reply_of(model: ChatModel, messages: Sequence[Message], most: int) -> str:
    """The reply's text, read no further than ``most`` characters. Raises the ``ModelError`` family."""
    text = ""
    pieces = model.stream(messages)
    try:
        async for piece in pieces:
            if not isinstance(piece, Ending):
                text += piece
                if len(text) > most:
                    break
    finally:
        await pieces.aclose()
    return text


def _messages(claim: Claim, answer: Answer) -> list[Message]:
    told = "\n".join(
        f'<passage published="{published or "unknown"}">\n{readable(text)}\n</passage>'
        for published, text in sources(claim, answer)
    )
    sentence = " ".join(readable(claim.text).split())
    return [Message("system", _template()), Message("user", f"{told}\n\nSentence: {sentence}")]


@lru_cache(maxsize=1)
def _template() -> str:
    return files("qa.templates").joinpath("judge.txt").read_text(encoding="utf-8")
