"""``dateline eval --suggest N``: drafts of questions about the collection, as CSV."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.output import note, print_json, stdout
from api.cli.progress import meter
from api.files.evaluation_sets import COLUMNS, suggestions_csv
from qa.errors import InputError, ModelError, UsageError
from qa.evaluation.suggesting import KINDS, MAX_REPLY_CHARS, Draft, accepted, drafts, first_unused, messages
from qa.models import EXTRACTIVE, Article
from qa.settings import Settings

if TYPE_CHECKING:
    from qa.library.home import Home
    from qa.llm import ChatModel


def suggest_questions(count: int, output: Path | None, settings: Settings, *, json: bool) -> None:
    """Write ``count`` drafts, fewer where the articles give no more. Raises ``UsageError`` for a file that exists."""
    if settings.server_url:
        raise UsageError("--suggest reads the articles of a home, not those of a server")
    if output is not None and output.exists():
        raise UsageError(f"{output} exists, and may have been edited; choose another file")
    rows = [_row(number, draft) for number, draft in enumerate(asyncio.run(_drafted(count, settings)), start=1)]
    if len(rows) < count:
        note(f"The collection gives {len(rows)} drafts, not {count}.")
    if json:
        print_json([dict(zip(COLUMNS, row, strict=True)) for row in rows])
    elif output is None:
        stdout().print(suggestions_csv(rows), end="")
    else:
        try:
            output.write_text(suggestions_csv(rows), encoding="utf-8", errors="replace", newline="")
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror}", where=str(output)) from error
        note(f"{len(rows)} drafts in {output}: write yes under `accept` where they are good, edit the rest.")


def _row(number: int, draft: Draft) -> list[str]:
    day = draft.as_of.isoformat() if draft.as_of else ""
    return ["", f"s{number}", draft.question, day, draft.answer, "", draft.gold, "", draft.kind, draft.quote]


async def _drafted(count: int, settings: Settings) -> list[Draft]:
    from qa.library.home import open_home
    from qa.roster import Roster

    found: list[Draft] = []
    used: set[tuple[str, str]] = set()
    with open_home(settings, any_model=True) as home, meter("Drafting", "questions") as shown:
        model = None if settings.model == EXTRACTIVE else Roster(settings).model(settings.model)
        ids = _ids(home)
        # One of each article, in an order that favours no date; then, as long as there are any, a further one.
        for turn in range(count):
            before = len(found)
            for place, one in enumerate(ids):
                if len(found) == count:
                    return found
                article = home.catalog.article(one).article
                draft = await _by_model(model, article) if model and turn == 0 else None
                draft = draft or first_unused(drafts(article, KINDS[(place + turn) % len(KINDS)]), used)
                found += [draft] if draft else []
                shown.show(len(found), count)
            if len(found) == before:
                break
    return found


async def _by_model(model: ChatModel, article: Article) -> Draft | None:
    """The model's draft; None where it has none that can be used, or fails."""
    from qa.judging import reply_of

    try:
        return accepted(await reply_of(model, messages(article), MAX_REPLY_CHARS), article)
    except ModelError as error:
        note(f"{model.config.spec} failed, a template is used instead: {error}")
        return None


def _ids(home: Home) -> list[str]:
    """All articles, in the order of a hash."""
    return sorted(_listed(home), key=lambda one: hashlib.sha256(one.encode()).digest())


def _listed(home: Home) -> Iterator[str]:
    cursor = None
    while True:
        page = home.catalog.articles(cursor=cursor, limit=1_000)
        yield from (item.article.id for item in page.items)
        if (cursor := page.next_cursor) is None:
            return
