"""Reads the server-sent events of ``POST /chat``: bytes to events, events to values."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from pydantic import TypeAdapter

from qa.events import CitationEvent, DeltaEvent, DoneEvent, Event, PassagesEvent, SentenceEvent, StatusEvent
from qa.models import Answer, Citation, Passage, Sentence

_PASSAGES = TypeAdapter(tuple[Passage, ...])


async def sse(chunks: AsyncIterator[bytes]) -> AsyncGenerator[tuple[str, str], None]:
    """(event, data) of each server-sent event, as the HTML standard's "event stream interpretation" has it.

    Works on bytes: lines end with CR, LF or CRLF only, while data may hold other line separators. An event cut off by
    the end of the stream is dropped.
    """
    name = ""
    data: list[str] = []
    async for line in _lines(chunks):
        if not line:
            if data:
                yield name or "message", "\n".join(data)
            name, data = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    buffer = b""
    async for chunk in chunks:
        buffer += chunk
        # A CR at the very end may be half of a CRLF: it waits for what follows.
        held = buffer.endswith(b"\r")
        *lines, buffer = buffer[: len(buffer) - held].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        buffer += b"\r" * held
        for line in lines:
            yield line.decode("utf-8", "replace")
    if buffer.endswith(b"\r"):
        yield buffer[:-1].decode("utf-8", "replace")


def event_of(name: str, data: str) -> Event | None:
    """The event on the wire as a value; None for a name that is not known. Raises ``ValueError``."""
    match name:
        case "status":
            return StatusEvent(TypeAdapter(StatusEvent).validate_json(data).stage)
        case "passages":
            return PassagesEvent(_PASSAGES.validate_json(data))
        case "delta":
            return TypeAdapter(DeltaEvent).validate_json(data)
        case "sentence":
            return SentenceEvent(Sentence.model_validate_json(data))
        case "citation":
            return CitationEvent(Citation.model_validate_json(data))
        case "done":
            return DoneEvent(Answer.model_validate_json(data))
    return None
