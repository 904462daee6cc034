"""Small working stand-ins, shared by all tests: an embedder without weights, a chat model's server without a model."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from qa.text import content_stems

_TOKEN = re.compile(r"\w+|[^\w\s]")


class FakeEmbedder:
    """Bags of hashed word stems as unit vectors: texts that share words are near, others are not. Records its calls."""

    def __init__(self, name: str = "fake", *, dimension: int = 96, max_tokens: int = 60, backend: str = "fake") -> None:
        self.name = name
        self.dimension = dimension
        self.max_tokens = max_tokens
        self.backend = backend
        self.embedded: list[str] = []

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """A token is a word or a punctuation mark."""
        return [match.span() for match in _TOKEN.finditer(text)]

    def embed(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """Unit vectors; a text without words gets the first axis."""
        if not query:
            self.embedded += texts
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in content_stems(text):
                digest = hashlib.blake2b(word.encode(), digest_size=4).digest()
                row[int.from_bytes(digest[:2], "big") % self.dimension] += 1 if digest[2] % 2 else -1
            if not row.any():
                row[0] = 1
            row /= np.linalg.norm(row)
        return rows


class FakeReranker:
    """Scores a text by the share of the question's word stems it holds, from -8 to 8. Records how often it was loaded,
    and every batch; waits for ``gate`` before each, and raises ``error`` when there is one."""

    name = "fake-reranker"

    def __init__(self, *, error: Exception | None = None, load_error: Exception | None = None) -> None:
        self.error = error
        self.load_error = load_error
        self.loads = 0
        self.batches: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Event()

    def load(self) -> None:
        """Nothing to load."""
        self.loads += 1
        if self.load_error:
            raise self.load_error

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """One for each text."""
        self.batches.append(list(texts))
        self.began.set()
        assert self.gate.wait(30)
        if self.error:
            raise self.error
        wanted = set(content_stems(question))
        return [16 * len(wanted & set(content_stems(text))) / max(len(wanted), 1) - 8 for text in texts]


@dataclass
class Reply:
    """What the scripted server answers once: text in pieces, or an error status; delays in seconds."""

    text: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    """Sent as it is, instead of what OpenAI would send."""
    delay: float = 0.0
    """Before anything is sent."""
    begin_delay: float = 0.0
    """After the stream has begun, before its first words."""
    piece_delay: float = 0.0
    piece_size: int = 7
    cut_after: int | None = None
    """Close the connection after so many pieces, without an end."""
    reset: bool = False
    """Close the connection instead of answering."""
    finish: str = "stop"
    """The reason for ending."""


class ScriptedOpenAI:
    """An OpenAI-compatible server on a loopback socket that says what it is told to, in order.

    ``requests`` are the bodies received, ``keys`` the Authorization headers, ``left`` counts the callers that went
    before they had everything. With no reply queued it answers ``default``, or what ``default`` makes of the request.
    """

    def __init__(
        self, *replies: Reply | str, default: str | Callable[[dict[str, Any]], str] = "The articles do not say."
    ) -> None:
        self.replies: deque[Reply] = deque(Reply(r) if isinstance(r, str) else r for r in replies)
        self.default = default
        self.left = 0
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.stopping = threading.Event()
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_args: Any) -> None:
                """Quiet."""

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                scripted.requests.append(json.loads(self.rfile.read(length) or b"{}"))
                scripted.keys.append(self.headers.get("authorization"))
                request = scripted.requests[-1]
                try:
                    scripted._answer(self, scripted._reply(request), request)
                except (BrokenPipeError, ConnectionResetError):
                    scripted.left += 1
                    self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def base_url(self) -> str:
        """What DATELINE_MODEL_BASE_URL is to be."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def _reply(self, request: dict[str, Any]) -> Reply:
        if self.replies:
            return self.replies.popleft()
        return Reply(self.default if isinstance(self.default, str) else self.default(request))

    def _answer(self, handler: BaseHTTPRequestHandler, reply: Reply, request: dict[str, Any]) -> None:
        if reply.delay:
            self.stopping.wait(reply.delay)
        if reply.reset:
            handler.close_connection = True
        elif reply.status != 200:
            body = reply.body or json.dumps({"error": {"message": f"scripted {reply.status}", "type": "scripted"}})
            _send(handler, reply.status, "application/json", body, reply.headers)
        elif reply.body is not None:
            _send(handler, 200, "application/json", reply.body, reply.headers)
        elif request.get("stream"):
            self._stream(handler, reply, request)
        else:
            _send(handler, 200, "application/json", json.dumps(_completion(reply.text, request)), reply.headers)

    def _stream(self, handler: BaseHTTPRequestHandler, reply: Reply, request: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.send_header("connection", "close")
        handler.end_headers()
        for count, event in enumerate(_events(reply, request)):
            if reply.cut_after is not None and count >= reply.cut_after:
                break
            handler.wfile.write(f"data: {event}\n\n".encode())
            handler.wfile.flush()
            self.stopping.wait(reply.piece_delay if count else reply.begin_delay)
        handler.close_connection = True


def _send(handler: BaseHTTPRequestHandler, status: int, kind: str, body: str, headers: dict[str, str]) -> None:
    data = body.encode()
    handler.send_response(status)
    for name, value in {"content-type": kind, "content-length": str(len(data)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data)


def _usage(text: str) -> dict[str, int]:
    return {"prompt_tokens": 11, "completion_tokens": len(text.split()), "total_tokens": 11 + len(text.split())}


def _completion(text: str, request: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "scripted", "object": "chat.completion", "created": 0, "model": request.get("model", ""),
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": _usage(text),
    }  # fmt: skip


def _events(reply: Reply, request: dict[str, Any]) -> Iterator[str]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        return json.dumps({**common, "choices": choices})

    common = {"id": "scripted", "object": "chat.completion.chunk", "created": 0, "model": request.get("model", "")}
    yield chunk({"role": "assistant", "content": ""})
    for i in range(0, len(reply.text), reply.piece_size):
        yield chunk({"content": reply.text[i : i + reply.piece_size]})
    yield chunk({}, reply.finish)
    if (request.get("stream_options") or {}).get("include_usage"):
        yield json.dumps({**common, "choices": [], "usage": _usage(reply.text)})
    yield "[DONE]"
