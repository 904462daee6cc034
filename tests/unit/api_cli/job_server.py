"""A small service that takes articles in as the HTTP contract has it: jobs, and the events that tell of them."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Received:
    """One ``POST /articles``: its query, key, files by name, and plain fields."""

    query: list[tuple[str, str]]
    key: str | None
    files: dict[str, bytes] = field(default_factory=dict)
    fields: list[tuple[str, str]] = field(default_factory=list)


def report(read: int) -> dict[str, Any]:
    """What a job that read so many articles, all new, reports."""
    counts = {"read": read, "stored": read, "updated": 0, "unchanged": 0, "deleted": 0, "duplicates": 0}
    times = {"seconds": {"read": 0.5}, "elapsed": 1.0, "articles_per_second": float(read)}
    return {**counts, **times, "chunks_embedded": 2 * read, "failed": [], "warnings": []}


class JobServer:
    """Takes files in as one article each. ``endings`` are the last states of jobs, in order; when there are none left
    a job is done. With ``silent`` streams of events break off at once, and jobs have to be asked for."""

    def __init__(self, *endings: dict[str, Any], silent: bool = False, key: str | None = None) -> None:
        self.endings = list(endings)
        self.received: list[Received] = []
        self.polls = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_args: Any) -> None:
                """Quiet."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                query = parse_qsl(urlsplit(self.path).query)
                told = Received(query, self.headers.get("authorization"))
                if key is not None and told.key != f"Bearer {key}":
                    self._send(401, {"code": "invalid_api_key", "detail": "An API key is needed."})
                    return
                message = BytesParser().parsebytes(
                    b"Content-Type: " + self.headers["content-type"].encode() + b"\n\n" + body
                )
                for part in message.walk():
                    if part.is_multipart():
                        continue
                    data = part.get_payload(decode=True)
                    assert isinstance(data, bytes)
                    name = part.get_filename()
                    if name is not None:
                        told.files[name] = data
                    else:
                        told.fields.append((str(part.get_param("name", header="content-disposition")), data.decode()))
                server.received.append(told)
                self._send(202, server.job(len(server.received), "queued"))

            def do_GET(self) -> None:
                number = int(self.path.split("/")[2])
                if not self.path.endswith("/events"):
                    server.polls += 1
                    self._send(200, server.ended(number))
                    return
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                told = [] if silent else [server.job(number, "running"), server.ended(number)]
                for document in told:
                    self.wfile.write(f"event: progress\ndata: {json.dumps(document)}\n\n".encode())

            def _send(self, status: int, document: dict[str, Any]) -> None:
                data = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        """What ``--server`` is to be."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def job(self, number: int, state: str, **more: Any) -> dict[str, Any]:
        """A job as it is told of."""
        progress = {"read": 0, "total": None, "embedded": 0, "backlog": 0}
        times = {"created_at": "2025-04-01T12:00:00Z", "started_at": None, "finished_at": None}
        return {"id": str(number), "state": state, "progress": progress, "report": None, "error": None, **times, **more}

    def ended(self, number: int) -> dict[str, Any]:
        """How job ``number`` ended."""
        if number <= len(self.endings):
            return self.job(number, **self.endings[number - 1])
        told = self.received[number - 1]
        return self.job(number, "done", report=report(len(told.files) + len(told.fields)))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
