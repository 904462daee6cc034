"""Pure: what a chat model is asked about a question before it is searched, and what of its replies is used.

Replies are untrusted, and so is the conversation: one that was talked into something, or that invents, is set aside.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

from qa.calendar import MONTHS, WEEKDAYS
from qa.history import MAX_TURN_CHARS, WH, Token, is_content, tokens
from qa.models import Turn
from qa.prompt import Message, readable
from qa.text import content_stems, words

MAX_QUERIES = 3
"""Further queries for one question."""
MAX_REPLY_CHARS = 2_000
"""A reply is read no further."""

_MAX_TURNS = 8
_MAX_QUERY_CHARS = 200
_MAX_NEW_WORDS = 3
_STAND_INS = frozenset(content_stems("one ones two both else other others another again same former latter happen"))
"""Words that carry meaning, but that a name may take the place of."""
_LABEL = re.compile(r"(?:(?:completed |rewritten )?question|query)\s*:\s*", re.IGNORECASE)
_QUOTES = "\"'\u201c\u201d\u2018\u2019\u00ab\u00bb`"
_NUMBER = re.compile(r"\d+")
_CALENDAR = frozenset([*WEEKDAYS, *MONTHS])


def follow_up_messages(question: str, history: Sequence[Turn]) -> list[Message]:
    """Messages that ask a chat model to complete ``question`` from the last turns of ``history``."""
    told = "\n".join(f"{turn.role}: {_fenced(turn.content[:MAX_TURN_CHARS])}" for turn in history[-_MAX_TURNS:])
    user = f"<conversation>\n{told}\n</conversation>\n\nQuestion: {_fenced(question)}"
    return [Message("system", _template("follow_up")), Message("user", user)]


def accepted_follow_up(reply: str, question: str, history: Sequence[Turn]) -> str | None:
    """The completed question in a model's ``reply``; None when it is none that can be relied on.

    It is one line, not much longer than the question and what it may take from the conversation; it keeps the words of
    the question that carry meaning; and its names and numbers are all from the question or the conversation. One that
    says the same as the question is the question.
    """
    lines = [line.strip() for line in reply.strip().splitlines() if line.strip()]
    if len(lines) != 1:
        return None
    completed = _unquoted(_LABEL.sub("", lines[0], count=1))
    if not completed.isprintable() or len(completed) > 2 * len(question) + 300:
        return None
    if words(completed) == words(question):
        return question
    said = set(content_stems(completed))
    if not said or not set(content_stems(question)) - _STAND_INS <= said:
        return None
    known = " ".join([question, *(turn.content for turn in history[-_MAX_TURNS:])])
    if _invents(completed, known, opening=True) or len(said - set(content_stems(known))) > _MAX_NEW_WORDS:
        return None
    return completed


def query_messages(question: str) -> list[Message]:
    """Messages that ask a chat model for further queries about ``question``, and for one for each of its parts."""
    system = _template("queries").format(limit=MAX_QUERIES)
    return [Message("system", system), Message("user", f"Question: {_fenced(question)}")]


def accepted_queries(reply: str, question: str) -> tuple[str, ...]:
    """The further queries in a model's ``reply``, at most ``MAX_QUERIES``, () when there is none that can be used.

    Each shares a word with the question and holds no name or number that the question does not.
    """
    asked, taken = set(content_stems(question)), {" ".join(words(question))}
    found: list[str] = []
    for line in reply.splitlines():
        if not line.startswith("- "):
            continue
        query = _unquoted(line[2:])
        plain = " ".join(words(query))
        usable = query.isprintable() and len(query) <= _MAX_QUERY_CHARS and not _invents(query, question, opening=False)
        if usable and asked & set(content_stems(query)) and plain not in taken:
            taken.add(plain)
            found.append(query)
    return tuple(found[:MAX_QUERIES])


def _invents(text: str, known: str, *, opening: bool) -> bool:
    """Whether ``text`` holds a name or number that ``known`` does not. Days and months are none, and unless ``opening``
    neither is the first word, which may be a capital for that alone."""
    numbers = {int(digits) for digits in _NUMBER.findall(known[:100_000]) if len(digits) < 19}
    if any(len(digits) > 18 or int(digits) not in numbers for digits in _NUMBER.findall(text)):
        return True
    said = {part for word in words(known) for part in _parts(word)}
    capitals = [
        token
        for token in tokens(text)
        if token.is_capital and token.low not in _CALENDAR and (not token.opens or (opening and _is_name(token)))
    ]
    return any(part not in said for token in capitals for word in words(token.text) for part in _parts(word))


def _is_name(token: Token) -> bool:
    return is_content(token) and token.low not in WH


def _parts(word: str) -> list[str]:
    return re.split(r"[-.&]", word.removesuffix("'s"))


def _unquoted(line: str) -> str:
    line = line.strip()
    if len(line) > 1 and line[0] in _QUOTES and line[-1] in _QUOTES:
        line = line[1:-1]
    return " ".join(line.split())


def _fenced(text: str) -> str:
    """On one line, and nothing in it that could close the fence around it or is not seen."""
    return " ".join(readable(text).split())


@lru_cache(maxsize=2)
def _template(name: str) -> str:
    return files("qa.templates").joinpath(f"{name}.txt").read_text(encoding="utf-8")
