"""A model's reply as finished sentences, cut out of it while it streams in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from qa.claims import Claim, ClaimStream
from qa.llm import ChatModel, Ending
from qa.models import NO_WISHES, Wishes
from qa.prompt import Message
from qa.text import visible

_PATIENCE = 10
"""One part in so many of what has come without a sentence is waited for before looking for one again."""


async def claims_of(
    model: ChatModel, messages: Sequence[Message], wishes: Wishes = NO_WISHES
) -> AsyncGenerator[Claim | Ending, None]:
    """Each sentence as soon as nothing can change it any more, and at last how the reply ended.

    Characters that people do not see are left out; so is a last sentence that was cut off. Raises what
    :meth:`qa.llm.ChatModel.stream` raises.
    """
    claims = ClaimStream()
    held, since = "", 0
    ending = Ending("complete")
    async with aclosing(model.stream(messages, wishes)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Ending):
                ending = piece
                continue
            held += visible(piece)
            since += len(piece)
            # Looking at every word of a text that never ends a sentence would cost the square of its length.
            if len(held) * _PATIENCE < since:
                continue
            for claim in claims.feed(held):
                yield claim
                since = 0
            held = ""
    rest = [*claims.feed(held), *claims.end()]
    if rest and ending.how != "complete" and not _is_whole(rest[-1]):
        rest.pop()
    for claim in rest:
        yield claim
    yield ending


def _is_whole(claim: Claim) -> bool:
    return claim.text.rstrip("\"'\u2019\u201d)\u00bb").endswith((".", "!", "?", "\u2026", "\u3002"))


def warnings_of(ending: Ending, model: ChatModel, wishes: Wishes = NO_WISHES) -> list[str]:
    """What the reader of an answer should know of how the model's reply ended."""
    spec = model.config.spec
    match ending.how:
        case "length":
            shorter = model.sampling(wishes).max_tokens < model.config.max_output_tokens
            why = f"{spec} reached {'the longest reply asked for' if shorter else 'DATELINE_MAX_OUTPUT_TOKENS'}"
        case "cut":
            why = f"{spec} wrote more than {model.config.max_reply_chars} characters"
        case "filtered":
            why = f"the provider of {spec} held back the rest"
        case "complete":
            return []
    return [f"the answer may be incomplete: {why}"]
