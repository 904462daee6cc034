"""The wire models of the native routes: what requests may say, and the answers that ``qa.models`` does not hold.

Requests refuse fields they do not know: a misspelt ``as_of`` that was ignored would let a question see the future.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationInfo,
    field_validator,
)
from pydantic.config import JsonDict

from qa.models import Ask, Turn, Wire

if TYPE_CHECKING:
    from qa.library.catalog import ArticlePage, StoredArticle

_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _iso_day(value: Any) -> Any:
    """Only ``YYYY-MM-DD``: pydantic alone would take numbers for seconds since 1970."""
    if value is None or type(value) is date:
        return value
    if isinstance(value, str) and _ISO_DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"there is no day {value}") from None
    raise ValueError("a date is written YYYY-MM-DD")


def _whole_characters(value: str) -> str:
    r"""JSON can spell half of a surrogate pair (``\ud800``), which no file, store or reply could hold; and NUL
    (``\u0000``), which PostgreSQL does not."""
    if "\0" in value:
        raise ValueError("the text holds a NUL, which no text can")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("the text holds half of a surrogate pair, which is no character")
    return value


NOT_BLANK: JsonDict = {"minLength": 1, "pattern": r"\S"}
"""Said of questions in the document; whether one is blank is the engine's to tell."""

Day = Annotated[date, BeforeValidator(_iso_day)]
Text = Annotated[str, AfterValidator(_whole_characters)]
SESSION_ID = r"^[A-Za-z0-9._~-]{1,128}$"
"""What a session may be called: what is safe in a path."""

Sources = Annotated[list[Text], Field(max_length=100)]
ArticleId = Annotated[Text, Field(min_length=1, max_length=200)]


class Request(BaseModel):
    """Base of what callers send."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AskOptions(Request):
    """What a caller may say about a question besides the question itself."""

    as_of: Day | None = Field(None, description="Nothing published later is seen. Default: today.")
    start: Day | None = Field(None, alias="from", description="First publication day that may be seen, inclusive.")
    end: Day | None = Field(None, alias="to", description="Last publication day that may be seen, inclusive.")
    sources: Sources = Field([], description="Only articles from these sources; empty: from all.")
    article: ArticleId | None = Field(None, description="Only the article with this id.")
    top_k: int | None = Field(None, ge=1, le=50, description="Passages to answer from. Default: DATELINE_TOP_K.")

    def ask(self, question: str, history: Sequence[Turn] = (), model: str | None = None) -> Ask:
        """The question with these options, as the engine takes it."""
        return Ask(
            question=question,
            history=tuple(history),
            as_of=self.as_of,
            start=self.start,
            end=self.end,
            sources=tuple(self.sources),
            article=self.article,
            top_k=self.top_k,
            model=model,
        )


class HistoryTurn(Request):
    """An earlier message of the conversation."""

    role: Literal["user", "assistant"]
    content: Text


class ChatRequest(AskOptions):
    """A question for ``POST /chat``."""

    question: Text = Field(description="The question, in the caller's own words.", json_schema_extra=NOT_BLANK)
    history: list[HistoryTurn] = Field([], description="Earlier messages, oldest first, without the question.")
    session_id: str | None = Field(
        None,
        pattern=SESSION_ID,
        description="A conversation that the service is to keep, by a name of the caller's that others cannot guess, "
        "such as a UUID: its history is used in place of `history`, and the answer is added to it.",
    )
    model: Text | None = Field(None, description="One of the names in /v1/models. Default: DATELINE_MODEL.")
    default_as_of: Day | None = Field(
        None, description="What stands for today when as_of is not given; unlike as_of it keeps undated articles in."
    )
    stream: StrictBool | None = Field(
        None, description="Answer with server-sent events. Default: only if the Accept header names text/event-stream."
    )

    @field_validator("session_id")
    @classmethod
    def _one_history(cls, value: str | None, told: ValidationInfo) -> str | None:
        if value is not None and told.data.get("history"):
            raise ValueError("a session has a history of its own: send either history or session_id")
        return value

    def to_ask(self, model: str | None) -> Ask:
        """The question as the engine takes it; ``model`` None is the configured one."""
        history = [Turn(role=turn.role, content=turn.content) for turn in self.history]
        return replace(self.ask(self.question, history, model), default_as_of=self.default_as_of)


class SearchQuery(Request):
    """The query string of ``GET /search``."""

    q: str = Field(description="What to look for: a question or words.", json_schema_extra=NOT_BLANK)
    k: int = Field(10, ge=1, le=100, description="Passages wanted.")
    as_of: Day | None = Field(None, description="Nothing published later is seen. Default: today.")
    start: Day | None = Field(None, alias="from", description="First publication day, inclusive.")
    end: Day | None = Field(None, alias="to", description="Last publication day, inclusive.")
    source: Sources = Field([], description="Only this source; may be repeated.")
    article: ArticleId | None = Field(None, description="Only the article with this id.")
    explain: bool = Field(False, description="Add the parts of each score.")

    def to_ask(self) -> Ask:
        """The query as the engine takes it."""
        return Ask(
            self.q,
            as_of=self.as_of,
            start=self.start,
            end=self.end,
            sources=tuple(self.source),
            article=self.article,
        )


class ArticlesQuery(Request):
    """The query string of ``GET /articles``."""

    cursor: str | None = Field(None, description="next_cursor of the page before.")
    limit: int = Field(100, ge=1, le=1000, description="Articles wanted.")
    start: Day | None = Field(None, alias="from", description="First publication day, inclusive.")
    end: Day | None = Field(None, alias="to", description="Last publication day, inclusive.")
    source: Sources = Field([], description="Only this source; may be repeated.")
    q: str | None = Field(None, max_length=1000, description="Words that all occur in title or text.")


class ArticleQuery(Request):
    """The query string of ``GET /articles/{id}``."""

    as_of: Day | None = Field(None, description="The version valid on this day. Default: the newest.")


class ArticleSummary(Wire):
    """An article without its text.

    ``published`` is the calendar day as written, ``published_at`` the instant in ISO 8601 where one is known;
    ``language`` is an ISO 639-1 code, null when not certain. ``version`` counts from 1; ``chunks`` are those of this
    version.
    """

    id: str
    title: str | None
    url: str | None
    source: str | None
    authors: tuple[str, ...]
    published: date | None
    published_from: str | None
    published_at: str | None
    language: str | None
    version: int
    chunks: int
    ingested_at: datetime

    @classmethod
    def of(cls, stored: StoredArticle) -> ArticleSummary:
        """The wire form of an article in a list."""
        return cls(**_summary(stored))


class ArticleVersion(Wire):
    """One version of an article: valid from ``valid_from`` to the day before ``valid_to``, null = open."""

    number: int
    text_hash: str
    published: date | None
    valid_from: date | None
    valid_to: date | None
    ingested_at: datetime


class ArticleDetail(ArticleSummary):
    """A whole article: the text of one version, and the dates of all."""

    text: str
    versions: tuple[ArticleVersion, ...]

    @classmethod
    def of(cls, stored: StoredArticle) -> ArticleDetail:
        """The wire form of one article."""
        versions = tuple(
            ArticleVersion(
                number=one.number,
                text_hash=one.text_hash,
                published=one.published,
                valid_from=one.valid_from,
                valid_to=one.valid_to,
                ingested_at=one.ingested_at,
            )
            for one in stored.versions
        )
        return cls(**_summary(stored), text=stored.article.text, versions=versions)


def _summary(stored: StoredArticle) -> dict[str, Any]:
    article = stored.article
    return {
        "id": article.id,
        "title": article.title,
        "url": article.url,
        "source": article.source,
        "authors": article.authors,
        "published": article.published,
        "published_from": article.published_from,
        "published_at": article.published_at,
        "language": article.language,
        "version": stored.version,
        "chunks": stored.chunks,
        "ingested_at": stored.ingested_at,
    }


class ArticleList(Wire):
    """A page of articles, newest first, undated last; ``next_cursor`` is null on the last page."""

    articles: tuple[ArticleSummary, ...]
    next_cursor: str | None

    @classmethod
    def of(cls, page: ArticlePage) -> ArticleList:
        """The wire form of a page."""
        return cls(articles=tuple(ArticleSummary.of(one) for one in page.items), next_cursor=page.next_cursor)


class Reembedding(Wire):
    """A change to another embedding model that is under way: ``done`` of ``of`` chunks have their new vector."""

    model: str
    done: int
    of: int


class Leaving(Wire):
    """``what`` is sent ``to`` a host beyond this machine, because of the setting ``by``."""

    what: str
    to: str
    by: str


class Status(Wire):
    """The collection and the service; see :class:`qa.library.index.LibraryStatus`."""

    home: str
    articles: int
    versions: int
    chunks: int
    embedded: int
    backlog: int
    undated: int
    first: date | None
    last: date | None
    by_source: dict[str, int]
    by_month: dict[str, int]
    by_language: dict[str, int]
    embedding_model: str
    embedding_backend: str
    reembedding: Reembedding | None
    revision: int
    disk_bytes: int
    model: str
    prompt_version: str
    duplicates: int = 0
    leaves_machine: tuple[Leaving, ...] = ()


class Health(Wire):
    """``checks`` says ``ok``, ``starting`` or what is wrong, for each part."""

    status: Literal["ok"] = "ok"
    checks: dict[str, str] = Field(default_factory=dict)


class FieldError(Wire):
    """A request field that was refused; ``field`` is its path, such as ``history.0.role``."""

    field: str
    message: str


class Problem(BaseModel):
    """An RFC 9457 problem document. ``code`` is stable: match on it, and show ``detail`` and ``hint`` to people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str | None
    request_id: str
    errors: list[FieldError] | None = Field(None, description="The fields refused; only with code `validation`.")
    checks: dict[str, str] | None = Field(None, description="Only with code `not_ready`.")
