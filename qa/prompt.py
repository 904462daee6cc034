"""Pure work on prompts: passages and a question become messages within a token budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Literal

from qa.dates import annotate
from qa.models import Passage, Turn

PROMPT_VERSION = "2"
"""Changes with everything that changes what a model is sent; part of every batch row's key."""

ABSTENTION = "The articles do not say."
"""What an answer's text is when the articles do not answer the question; also what the model is told to reply."""

_CHARS_PER_TOKEN = 3.5
"""A cautious estimate for English prose; other tokenizers' counts are not known here."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a chat model."""

    role: Literal["system", "user", "assistant"]
    content: str


def estimate_tokens(text: str) -> int:
    """About how many tokens ``text`` takes."""
    return int(len(text) / _CHARS_PER_TOKEN) + 1


def build_messages(
    question: str, passages: Sequence[Passage], *, as_of: date, history: Sequence[Turn] = (), budget: int
) -> tuple[list[Message], int]:
    """Messages for a chat model, and how many of ``passages`` (best first) they hold: at least one, if there is one.

    Within ``budget`` (estimated tokens) the weakest passages go first, then the oldest turns of ``history``.
    Passages are numbered from 1 in the order given.
    """
    system = _template().format(as_of=as_of.isoformat(), abstention=ABSTENTION)
    left = budget - estimate_tokens(system) - estimate_tokens(question) - 20
    blocks: list[str] = []
    for number, passage in enumerate(passages, start=1):
        block = _block(number, passage)
        if blocks and estimate_tokens(block) > left:
            break
        blocks.append(block)
        left -= estimate_tokens(block)
    turns: list[Message] = []
    for turn in reversed(history):
        left -= estimate_tokens(turn.content)
        if left < 0:
            break
        turns.insert(0, Message(turn.role, turn.content))
    user = "\n\n".join([*blocks, f"Question: {question}"])
    return [Message("system", system), *turns, Message("user", user)], len(blocks)


@lru_cache(maxsize=1)
def _template() -> str:
    return files("qa.templates").joinpath("answer.txt").read_text(encoding="utf-8")


def _block(number: int, passage: Passage) -> str:
    told = [f'n="{number}"', f'published="{passage.published or "unknown"}"']
    told += [
        f'{name}="{_attribute(value)}"'
        for name, value in (("source", passage.source), ("title", passage.title))
        if value
    ]
    return f"<passage {' '.join(told)}>\n{_unfenced(annotate(passage.text, passage.published))}\n</passage>"


def _attribute(value: str) -> str:
    return " ".join(value.split()).replace('"', "'").replace("<", "\u2039").replace(">", "\u203a")[:200]


def _unfenced(text: str) -> str:
    """An article cannot close its own fence: its angle brackets become look-alikes, in the prompt only."""
    return text.replace("<", "\u2039").replace(">", "\u203a")
