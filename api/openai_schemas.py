"""OpenAI's wire models, as far as Dateline speaks them, and how an answer is written in them.

Unknown request fields are accepted, as OpenAI's own clients add new ones all the time; those that would change the
answer in a way this service cannot honour are refused by :func:`refuse_unsupported`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, WithJsonSchema
from pydantic.config import JsonDict

from api.errors import UnsupportedError
from api.schemas import AskOptions, Text
from api.service import DATELINE
from qa.events import Finish
from qa.models import EXTRACTIVE, Answer, Ask, Citation, Turn, Wishes
from qa.models import Usage as ModelUsage
from qa.prompt import MAX_STYLE_CHARS

_MARKER = re.compile(r"\[(\d+)\]")


def _text_of(content: Any) -> Any:
    """A message's content as one text; its parts are joined by line ends. None is no text."""
    if content is None:
        return ""
    if not isinstance(content, list):
        return content
    texts = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind != "text" or not isinstance(part.get("text"), str):
            raise ValueError("only parts of type 'text' are accepted" + (f", not {kind!r}" if kind != "text" else ""))
        texts.append(part["text"])
    return "\n".join(texts)


_PART_SCHEMA = {
    "type": "object",
    "required": ["type", "text"],
    "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
}
Content = Annotated[
    Text,
    BeforeValidator(_text_of),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": _PART_SCHEMA}, {"type": "null"}]}),
]


def _stops(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Stops = Annotated[
    tuple[Annotated[Text, Field(min_length=1, max_length=200)], ...] | None,
    Field(max_length=4),
    BeforeValidator(_stops),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": 200},
                {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 200}, "maxItems": 4},
                {"type": "null"},
            ]
        }
    ),
]


_EMPTY: JsonDict = {"maxItems": 0}
"""Said in the document of lists that have to be empty; :func:`refuse_unsupported` says why."""


class Lenient(BaseModel):
    """Base of what OpenAI's clients send."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ChatMessage(Lenient):
    """A message of the conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Content = ""


class StreamOptions(Lenient):
    """What a stream holds besides the text."""

    include_usage: bool = False


class ChatCompletionRequest(Lenient):
    """A request for ``POST /v1/chat/completions``."""

    model: Text = Field(DATELINE, description="`dateline` (the configured model), or another name in /v1/models.")
    messages: list[ChatMessage] = Field(
        min_length=1,
        description="The last user message is the question; user and assistant messages before it are its history. "
        f"System and developer messages (their first {MAX_STYLE_CHARS:,} characters) tell a chat model of tone, length "
        "and language, and nothing else; the embedded reader, which quotes, does not use them.",
    )
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None
    dateline: AskOptions | None = Field(None, description="Dateline's own (the openai client's `extra_body`).")
    temperature: float | None = Field(None, ge=0, le=2, description="Default: DATELINE_TEMPERATURE.")
    max_tokens: int | None = Field(None, ge=1, description="An older name of max_completion_tokens.")
    max_completion_tokens: int | None = Field(
        None,
        ge=1,
        description="Longest reply of the chat model, at most DATELINE_MAX_OUTPUT_TOKENS. A last sentence that is cut "
        "off is left out; the embedded reader quotes as many whole sentences as fit, and at least one.",
    )
    stop: Stops = Field(None, description="Up to 4 texts; the answer ends before the first of them in it.")
    user: str | None = Field(None, description="Accepted and not used.")
    n: int | None = Field(None, description="Only 1.", json_schema_extra={"enum": [1, None]})
    tools: list[Any] | None = Field(None, description="Not supported.", json_schema_extra=_EMPTY)
    functions: list[Any] | None = Field(None, description="Not supported.", json_schema_extra=_EMPTY)
    audio: Any = Field(None, description="Not supported.", json_schema_extra={"type": "null"})
    modalities: list[str] | None = Field(None, description="Only text.", json_schema_extra={"items": {"const": "text"}})
    response_format: dict[str, Any] | None = Field(
        None, description='Only `{"type": "text"}`.', json_schema_extra={"properties": {"type": {"const": "text"}}}
    )
    logprobs: bool | None = Field(None, description="Not supported.", json_schema_extra={"enum": [False, None]})
    top_logprobs: int | None = Field(None, description="Not supported.", json_schema_extra={"enum": [0, None]})
    logit_bias: dict[str, Any] | None = Field(
        None, description="Not supported.", json_schema_extra={"maxProperties": 0}
    )

    def to_ask(self, model: str | None) -> Ask:
        """The question as the engine takes it; ``model`` None is the configured one.

        Raises ``UnsupportedError`` when no message is from the user.
        """
        style = [message.content for message in self.messages if message.role in ("system", "developer")]
        wishes = Wishes(
            temperature=self.temperature,
            max_tokens=self.max_completion_tokens or self.max_tokens,
            stop=self.stop or (),
            style="\n\n".join(filter(None, style)),
        )
        asked = [place for place, message in enumerate(self.messages) if message.role == "user"]
        if not asked:
            raise UnsupportedError("There is no message with the role 'user' to answer.", param="messages")
        history = [
            Turn(role=message.role, content=message.content)
            for message in self.messages[: asked[-1]]
            if message.role in ("user", "assistant") and message.content
        ]
        ask = (self.dateline or AskOptions()).ask(self.messages[asked[-1]].content, history, model)
        return replace(ask, wishes=wishes)


def refuse_unsupported(request: ChatCompletionRequest) -> None:
    """Raise ``UnsupportedError`` for the first parameter that asks for something this service does not do."""
    form = (request.response_format or {}).get("type", "text")
    refusals = {
        "n": request.n not in (None, 1) and "there is one answer to a question: n can only be 1",
        "tools": request.tools and "this service calls no tools",
        "functions": request.functions and "this service calls no functions",
        "audio": request.audio is not None and "this service answers in text only",
        "modalities": set(request.modalities or ()) - {"text"} and "this service answers in text only",
        "response_format": form != "text" and "this service answers in text with citations only",
        "logprobs": request.logprobs and "this service gives no log probabilities",
        "top_logprobs": request.top_logprobs and "this service gives no log probabilities",
        "logit_bias": request.logit_bias and "this service does not choose the model's tokens",
    }
    for param, reason in refusals.items():
        if reason:
            raise UnsupportedError(f"{param} is not supported: {reason}.", param=param, hint="Leave it out.")


class UrlCitation(BaseModel):
    """Where in the message a source is cited: ``content[start_index:end_index]`` is the marker, such as ``[1]``."""

    start_index: int
    end_index: int
    title: str
    url: str


class Annotation(BaseModel):
    """OpenAI's form of a citation."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class Cited(BaseModel):
    """What Dateline adds to a message, and to the last delta of a stream."""

    annotations: list[Annotation]
    citations: list[Citation]
    abstained: bool
    rewritten_question: str | None
    warnings: list[str]


class AssistantMessage(Cited):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(BaseModel):
    """The one choice."""

    index: Literal[0] = 0
    message: AssistantMessage
    logprobs: None = None
    finish_reason: Finish


class Usage(BaseModel):
    """Tokens, under OpenAI's names."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int

    @classmethod
    def of(cls, answer: Answer) -> Usage | None:
        """What ``answer`` cost; None when its model did not say. The embedded reader uses no tokens."""
        spent = answer.usage or (ModelUsage() if answer.model == EXTRACTIVE else None)
        if spent is None:
            return None
        total = spent.input_tokens + spent.output_tokens
        return cls(prompt_tokens=spent.input_tokens, completion_tokens=spent.output_tokens, total_tokens=total)


class ChatCompletion(BaseModel):
    """The answer to ``POST /v1/chat/completions``. ``created`` is in seconds since 1970."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None


class Model(BaseModel):
    """A model's name."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["dateline"] = "dateline"


class ModelList(BaseModel):
    """All models' names."""

    object: Literal["list"] = "list"
    data: list[Model]


class ErrorBody(BaseModel):
    """What went wrong; ``param`` is the path of the field at fault, ``code`` is stable."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAIError(BaseModel):
    """OpenAI's error shape."""

    error: ErrorBody


def cited(answer: Answer, base_url: str) -> Cited:
    """``answer``'s citations in both forms. An article without a URL of its own is linked under ``base_url``."""
    by_number = {citation.n: citation for citation in answer.citations}
    annotations = [
        Annotation(
            url_citation=UrlCitation(
                start_index=marker.start(),
                end_index=marker.end(),
                title=citation.title or citation.source or citation.article_id,
                # A URL is required of an annotation; ids may hold slashes, which /articles takes as they are.
                url=citation.url or f"{base_url}articles/{quote(citation.article_id)}",
            )
        )
        for marker in _MARKER.finditer(answer.text)
        if (citation := by_number.get(int(marker[1])))
    ]
    return Cited(
        annotations=annotations,
        citations=list(answer.citations),
        abstained=answer.abstained,
        rewritten_question=answer.rewritten_question,
        warnings=list(answer.warnings),
    )
