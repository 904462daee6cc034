"""A caller that costs little: HTTP/1.1 over asyncio's own streams, so that what is measured is the service."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


@contextmanager
def running(command: Sequence[str], ready: str, log: Path, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours that answers at the URL ``ready``; stopped at the end, and never longer than that."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", **environ}
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file, env=environ) as process:
        try:
            end = time.monotonic() + 120
            while not _answers(ready):
                if process.poll() is not None or time.monotonic() > end:
                    raise SystemExit(f"{' '.join(command)} does not answer:\n{log.read_text()}")
                time.sleep(0.2)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def python(*arguments: str) -> list[str]:
    """A command for this interpreter."""
    return [sys.executable, *arguments]


def resident_mb(pid: int) -> float:
    """What the process holds in memory, in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_KB / 1024


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of all reach."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, -(-int(share * 1000) * len(ranked) // 1000) - 1))]


class Connection:
    """One connection that stays open; ``ask`` and ``stream`` are called one after another."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def _send(self, method: str, path: str, body: bytes) -> asyncio.StreamReader:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self.host, self.port)
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self._writer.write(head.encode() + b"\r\n" + body)
        await self._writer.drain()
        return self._reader

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body."""
        reader = await self._send(method, path, body)
        status, headers = await _head(reader)
        if "content-length" in headers:
            return status, await reader.readexactly(int(headers["content-length"]))
        return status, b"".join([piece async for piece in _chunks(reader)])

    async def stream(self, path: str, body: bytes) -> AsyncIterator[bytes]:
        """The pieces of an answer as they come; raises ``OSError`` for another status than 200."""
        reader = await self._send("POST", path, body)
        status, _ = await _head(reader)
        if status != 200:
            raise OSError(f"status {status}")
        async for piece in _chunks(reader):
            yield piece

    def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = (line.partition(":") for line in lines[1:] if line)
    return int(lines[0].split()[1]), {name.lower(): value.strip() for name, _, value in headers}


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int(await reader.readline(), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readline()


@dataclass
class Load:
    """What a run of requests came to; ``seconds`` are those of each request, in the order they ended."""

    wall: float = 0.0
    seconds: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Requests answered per second."""
        return len(self.seconds) / self.wall if self.wall else 0.0

    @property
    def failed(self) -> int:
        """Requests that were not answered with 200."""
        return sum(status != 200 for status in self.statuses)


@asynccontextmanager
async def connections(url: str, count: int) -> AsyncIterator[list[Connection]]:
    """So many connections, closed at the end."""
    opened = [Connection(url) for _ in range(count)]
    try:
        yield opened
    finally:
        for connection in opened:
            connection.close()


async def searches(url: str, questions: Sequence[str], *, at_once: int, seconds: float, path: str = "/search") -> Load:
    """Searches for so long, ``at_once`` connections each asking when it was answered."""
    load, asked = Load(), itertools.cycle(questions)
    began = time.perf_counter()

    async def caller(connection: Connection) -> None:
        while time.perf_counter() - began < seconds:
            at = time.perf_counter()
            status, _ = await connection.ask("GET", f"{path}?{urlencode({'q': next(asked), 'k': 10})}")
            load.seconds.append(time.perf_counter() - at)
            load.statuses.append(status)

    async with connections(url, at_once) as opened:
        await asyncio.gather(*map(caller, opened))
    load.wall = time.perf_counter() - began
    return load


async def first_deltas(url: str, questions: Sequence[str], *, at_once: int, count: int) -> Load:
    """Seconds from each of ``count`` questions to the first words of its answer, which is then read to its end."""
    load, asked = Load(), itertools.islice(itertools.cycle(questions), count)

    async def caller(connection: Connection) -> None:
        for question in asked:
            body = json.dumps({"question": question, "stream": True}).encode()
            at, first = time.perf_counter(), 0.0
            async for piece in connection.stream("/chat", body):
                if not first and b"event: delta" in piece:
                    first = time.perf_counter() - at
            load.seconds.append(first)
            load.statuses.append(200)

    began = time.perf_counter()
    async with connections(url, at_once) as opened:
        await asyncio.gather(*map(caller, opened))
    load.wall = time.perf_counter() - began
    return load
