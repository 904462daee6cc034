"""Pure: a question that leans on the conversation before it is completed, so that it can be searched on its own.

"and who received him there?", after "Who arrived in Brazil?", becomes "and who received Sergey Lavrov in Brazil?".
Where it is not clear who or what is meant, the names that may be stand behind the question. By rules for English; what
they do not recognise stays as it was typed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from qa.anaphora import PERIODS, Anaphor, anaphors
from qa.history import (
    AUXILIARIES,
    MAX_TURN_CHARS,
    PREPOSITIONS,
    QUANTITIES,
    WH,
    Context,
    context_of,
    days,
    is_content,
    names,
    tokens,
    topic_words,
)
from qa.models import Turn

REWRITE_VERSION = "1"
"""Changes with everything that changes what a follow-up becomes; part of the key of batch rows with a history."""

Dependence = Literal["no", "maybe", "yes"]

_MAX_EXCHANGES = 4
_MAX_WORDS = 40
"""A longer question says itself what it is about."""
_MAX_PART = 6
_MAX_ADDED = 8

_OPENING = re.compile(
    r"(?:(?:and|but|so|or|also|okay|ok|well)\b[\s,]*)*(?P<about>(?:what|how) about\b\s*|what of\b\s*)?", re.IGNORECASE
)
_ARTICLES = frozenset({"the", "a", "an"})
_OF_PLACE = frozenset("in at to from near over around".split())
_OF_TIME = frozenset("on in at by from since until before after during".split())
_FILLERS = QUANTITIES | frozenset("exactly else so then again precisely ago ever".split())


def dependence(question: str, history: Sequence[Turn]) -> Dependence:
    """Whether ``question`` leans on ``history``; ``maybe`` where only its sense can tell, as in "Who is the mayor?"."""
    if not any(turn.role == "user" and turn.content.strip() for turn in history):
        return "no"
    words = tokens(question)
    if not words or len(words) > _MAX_WORDS:
        return "no"
    if _is_part(question) or anaphors(question):
        return "yes"
    stands_alone = any(name.sure for name in names(question)) or any(map(str.isdigit, question))
    return "no" if stands_alone else "maybe"


def complete(question: str, history: Sequence[Turn]) -> str:
    """``question`` with what it leans on put in from the last exchanges of ``history``; as it is when it leans on none.

    Behind the question, at most eight names or words are added.
    """
    if dependence(question, history) != "yes":
        return question
    completed = _completed(question, _context(history))
    return question if completed == _one_line(question) else completed


def _context(history: Sequence[Turn]) -> Context:
    """The last exchange, its question completed from those before it, for it may have been a follow-up itself."""
    exchanges: list[tuple[str, str]] = []
    for turn in history[-2 * _MAX_EXCHANGES :]:
        if turn.role == "user" and turn.content.strip():
            exchanges.append((_one_line(turn.content[:MAX_TURN_CHARS]), ""))
        elif turn.role == "assistant" and exchanges:
            exchanges[-1] = (exchanges[-1][0], turn.content)
    context = Context()
    for asked, answer in exchanges:
        leans = len(tokens(asked)) <= _MAX_WORDS and (_is_part(asked) or anaphors(asked))
        context = context_of(_completed(asked, context) if leans else asked, answer)
    return context


def _completed(question: str, context: Context) -> str:
    typed = _one_line(question)
    if not context.question:
        return typed
    return _expanded(typed, context) if _is_part(typed) else _resolved(typed, context)


# A question that is a part of one


def _is_part(question: str) -> bool:
    """Whether it is but a part of a question: "and in March?", "what about the mayor?", "When?", "Why so many?"."""
    opening, about, rest = _opened(question)
    words = tokens(rest)
    if not words or _only_asks(rest):
        return bool(words or opening)
    asks = words[0].low in AUXILIARIES or any(word.low in WH for word in words)
    opens = bool(opening) or words[0].low in PREPOSITIONS
    return about or (opens and not asks and len(words) <= _MAX_PART)


def _opened(question: str) -> tuple[str, bool, str]:
    """How it opens ("and", "so, what about"), whether with "what about" or the like, and the rest of it."""
    match = _OPENING.match(question)
    opening = match[0] if match else ""
    return opening, match is not None and match["about"] is not None, question[len(opening) :]


def _only_asks(question: str) -> bool:
    """Whether it asks and hardly says of what: "Since when?", "How many exactly?", "Which countries?", "Who won?"."""
    words = tokens(question)
    if anaphors(question) or names(question) or any(map(str.isdigit, question)):
        return False
    if all(not is_content(word) or word.low in WH | AUXILIARIES | _FILLERS | PREPOSITIONS for word in words):
        return len(words) <= 4
    asks = any(word.low in WH for word in words[:2])
    return asks and len(words) <= 3 and not any(word.low in AUXILIARIES for word in words)


def _expanded(question: str, context: Context) -> str:
    """The question before, with what this one changes in it; or what this one asks, and what that one was about."""
    part = _bare(_resolved(_opened(question)[2], context))
    before = _bare(context.question)
    words = tokens(part)
    if not words or any(word.low in WH for word in words):
        about = _without_opening(before)
        who = _person(context) or ""
        named = [who] if who and who not in about else []
        return f"{part or _bare(question)}: {' '.join([*named, about])}?"
    replaced = _replaced(before, part, context)
    if replaced:
        return replaced
    return f"{before} {part}?" if words[0].low in PREPOSITIONS else f"{before}, {part}?"


def _replaced(before: str, part: str, context: Context) -> str | None:
    """``before`` with ``part`` in the place of its own of the same kind; None where it has none, or several."""
    words = tokens(part)
    preposition = part[: words[1].start] if len(words) > 1 and words[0].low in PREPOSITIONS else ""
    core = part[len(preposition) :]
    if days(core) == (core,) or core.lower() in PERIODS:
        alone = r"(?<!\S){}(?![^\s,;:.?!)])"
        spans = [found.span() for day in days(before) for found in re.finditer(alone.format(re.escape(day)), before)]
        spans = spans or [(word.start, word.end) for word in tokens(before) if word.low in PERIODS and word.is_capital]
    elif [name.text for name in names(f"x {core}")] == [core]:
        spans = [
            (name.start, name.end)
            for name in names(before)
            if (not preposition or before[: name.start].lower().endswith(f" {preposition.lower()}"))
            and not (name.place and core in context.people)
            and not (not name.place and core in context.places)
        ]
    else:
        head = re.escape(words[-1].text)
        same = rf"\b(?:the|an?) (?:[\w-]+ ){{0,3}}{head}\b"
        spans = [match.span() for match in re.finditer(same, before, re.IGNORECASE)]
    if len(spans) != 1:
        return None
    start, end = spans[0]
    return f"{before[:start]}{core}{before[end:]}?"


def _without_opening(question: str) -> str:
    """What a question is about: "people died in the flood" of "How many people died in the flood"."""
    for word in tokens(question):
        asks = word.low in WH | AUXILIARIES | _FILLERS or not is_content(word)
        if word.low in _ARTICLES or not asks:
            return question[word.start :]
    return question


# A question with words that stand for others


def _resolved(question: str, context: Context) -> str:
    """``question`` with names in the place of words that stand for them, and behind it what unclear ones may mean."""
    found = anaphors(question)
    pieces: list[str] = []
    position = 0
    missing: set[str] = set()
    for anaphor in found:
        said = _meant(anaphor, context)
        if said is None:
            missing.add(anaphor.kind)
        else:
            pieces += [question[position : anaphor.start], said]
            position = anaphor.end
    text = "".join([*pieces, question[position:]])
    if found and not missing and not {"person"} & {one.kind for one in found} and not names(question):
        # Where and when alone do not say what the talk is of.
        missing.add("topic")
    added = _behind(text, missing, context)
    return f"{_bare(text)} ({', '.join(added)})?" if added else text


def _meant(anaphor: Anaphor, context: Context) -> str | None:
    """What the word stands for, where only one thing can be meant."""
    if anaphor.kind == "person":
        name = _person(context)
        return f"{name}'s" if name and anaphor.possessive else name
    if anaphor.kind == "place" and len(context.places) == 1:
        return _with("in", context.places[0], anaphor, _OF_PLACE)
    if anaphor.kind == "time" and len(context.days) == 1:
        day = context.days[0]
        if day[4:5] == "-":
            day = {"year": day[:4], "month": day[:7]}.get(anaphor.text.split()[-1].lower(), day)
        return _with("on" if len(day) > 7 else "in", day, anaphor, _OF_TIME)
    return None


def _with(preposition: str, name: str, anaphor: Anaphor, others: frozenset[str]) -> str:
    """``name`` with its preposition, unless one of the ``others`` stands before it already."""
    return name if anaphor.behind in others else f"{preposition} {name}"


def _person(context: Context) -> str | None:
    """The one person spoken of: the only name of several words, else the only name."""
    full = [name for name in context.people if " " in name] or context.people
    return full[0] if len(full) == 1 else None


def _behind(text: str, missing: set[str], context: Context) -> list[str]:
    """The names, days and words to put behind ``text`` for what is ``missing`` in it."""
    if not missing:
        return []
    added: list[str] = []
    if missing != {"time"} and missing != {"place"}:
        added += context.people[:3]
    if missing & {"place", "plural", "thing", "other"} or not added:
        added += context.places[:2]
    if "time" in missing:
        added += context.days[:1]
    if missing & {"thing", "other"} or not added:
        added += topic_words(context.question)
    held = {word.low for word in tokens(text)}
    kept: list[str] = []
    for one in added:
        its = {word.low for word in tokens(one)}
        if not its <= held:
            kept.append(one)
            held |= its
    return kept[:_MAX_ADDED]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _bare(question: str) -> str:
    return question.strip().rstrip("?!. ")
