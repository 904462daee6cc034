"""``make bench-api``: the service under load, beside a plain one.

    python -m tests.bench.api [PART]... [--minutes 20] [--seconds 20] [--rounds 3] [--streams 1000]

Parts: ``search``, ``chat``, ``streams``, ``soak``; all of them by default. The collection is the first quarter's, which
``python -m tests.bench.retrieval_homes`` makes in DATELINE_BENCH_CACHE, its questions those of DATELINE_BENCH_DATA. It
works on copies. Exits with 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.bench import api_plain
from tests.bench.api_load import (
    Connection,
    connections,
    first_deltas,
    percentile,
    python,
    resident_mb,
    running,
    searches,
)
from tests.bench.retrieval_homes import QUARTERS, data, quarter

PORT, PLAIN, MODEL = 8765, 8766, 8767
URL, PLAIN_URL, MODEL_URL = (f"http://127.0.0.1:{port}" for port in (PORT, PLAIN, MODEL))
AT_ONCE = 16
_WARM = 40


class Bench:
    """One run: where it works, what it asks, which targets it missed."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder = folder
        self.options = options
        self.home = folder / "home"
        self.missed: list[str] = []
        lines = (data() / QUARTERS[0] / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        self.questions = [str(json.loads(line)["question"]) for line in lines]
        shutil.copytree(quarter(QUARTERS[0]), self.home)

    def judge(self, what: str, holds: bool) -> None:
        """Print a target and whether it holds."""
        print(f"  {'held  ' if holds else 'MISSED'} {what}", flush=True)
        if not holds:
            self.missed.append(what)

    @contextmanager
    def service(self, **settings: Any) -> Iterator[int]:
        """``dateline serve`` over the copy, warm; yields its process id."""
        # Answers given again would flatter.
        settings = {"cache_answers": 0, **settings}
        environ = {f"DATELINE_{name.upper()}": str(value) for name, value in settings.items()}
        command = python("-m", "api.cli", "serve", "--home", str(self.home), "--port", str(PORT))
        with running(command, f"{URL}/health/ready", self.folder / "serve.log", **environ) as process:
            yield process.pid
        log = (self.folder / "serve.log").read_text()
        self.judge("nothing but its greeting in the service's log", log.count("\n") <= 3 and "Error" not in log)

    def search(self) -> None:
        """Throughput of /search beside the plain service, turn by turn."""
        api_plain.make(self.home, self.folder / "plain")
        plain = python("-m", "tests.bench.api_plain", str(self.folder / "plain"), str(PLAIN))
        warm = f"{PLAIN_URL}/search?q=warm"
        rates: dict[str, list[float]] = {URL: [], PLAIN_URL: []}
        latencies: dict[str, list[float]] = {URL: [], PLAIN_URL: []}
        with self.service(), running(plain, warm, self.folder / "plain.log"):
            for url in rates:
                asyncio.run(searches(url, self.questions[:_WARM], at_once=4, seconds=3))
            for _ in range(self.options.rounds):
                for url in rates:
                    load = asyncio.run(searches(url, self.questions, at_once=AT_ONCE, seconds=self.options.seconds))
                    rates[url].append(load.per_second)
                    latencies[url] += load.seconds
                    if load.failed:
                        self.judge(f"{load.failed} requests failed at {url}", False)
        for name, url in (("dateline", URL), ("plain", PLAIN_URL)):
            each = ", ".join(f"{rate:.0f}" for rate in rates[url])
            ms = [percentile(latencies[url], share) * 1000 for share in (0.5, 0.95)]
            print(f"  {name:9} {statistics.median(rates[url]):6.0f}/s ({each}), p50 {ms[0]:.0f} ms, p95 {ms[1]:.0f} ms")
        ratio = statistics.median(rates[URL]) / statistics.median(rates[PLAIN_URL])
        self.judge(f"/search at {AT_ONCE} connections: {ratio:.1f} times the plain service (3 wanted)", ratio >= 3)

    def chat(self) -> None:
        """Seconds to the first words, of one caller and of eight."""
        with self.service():
            asyncio.run(first_deltas(URL, self.questions[:_WARM], at_once=1, count=_WARM))
            alone = asyncio.run(first_deltas(URL, self.questions, at_once=1, count=150))
            eight = asyncio.run(first_deltas(URL, self.questions, at_once=8, count=600))
        p50, p95 = percentile(alone.seconds, 0.5), percentile(eight.seconds, 0.95)
        print(f"  1 connection: p50 {p50 * 1000:.0f} ms; 8: p50 {percentile(eight.seconds, 0.5) * 1000:.0f},", end=" ")
        print(f"p95 {p95 * 1000:.0f} ms, {eight.per_second:.1f} answers a second")
        self.judge(f"/chat first delta: p95 of 8 is {p95 / p50:.1f} times the p50 of 1 (10 allowed)", p95 <= 10 * p50)

    def streams(self) -> None:
        """Many streams from a slow model, half of them left."""
        count = self.options.streams
        # As long as it takes to open them all: a question of a stream is retrieved for before its model is asked.
        seconds = max(20.0, count / 12)
        model = python("-m", "tests.bench.api_slow_model", str(MODEL), str(seconds))
        settings = {
            "model": "openai:slow",
            "model_base_url": f"{MODEL_URL}/v1",
            "model_api_key": "none",
            "model_timeout": 3000,
            "model_first_timeout": 300,
            "model_idle_timeout": 300,
            "max_running": count + 10,
            "max_waiting": count,
        }
        with running(model, f"{MODEL_URL}/counts", self.folder / "model.log"), self.service(**settings) as pid:
            idle = resident_mb(pid)
            # What a first round leaves (full caches, grown heaps) is no leak: a second one must not add to it.
            asyncio.run(self._streams(count, leave=0.5))
            _settled(lambda: _counts()["open"] == 0, 60)
            before = _settled_mb(pid)
            begun = _counts()["begun"]
            peak, left_for = asyncio.run(self._streams(count, leave=0.5, pid=pid))
            closed = _settled(lambda: _counts()["open"] == 0, 30)
            counts, after = _counts(), _settled_mb(pid)
        print(f"  {counts['begun'] - begun} replies begun by the model, {counts['left']} left, {counts['open']} open")
        print(f"  the last of those dropped was known to the model after {left_for:.2f} s")
        rounds = f"{before:.0f} after one round, {peak:.0f} at most, {after:.0f} after two"
        print(f"  memory: {idle:.0f} MB at first, {rounds}")
        self.judge("every model call of a caller that left is cancelled, and none is open", closed)
        self.judge(f"memory is back within 10% of what it was ({after / before - 1:+.1%})", after <= before * 1.1)

    async def _streams(self, count: int, *, leave: float, pid: int | None = None) -> tuple[float, float]:
        """Open ``count`` streams, wait for words of each, drop some at once. The peak in MB; seconds until known."""
        begun, goes = asyncio.Barrier(count + 1), asyncio.Event()
        asked = itertools.cycle(self.questions)

        async def caller(connection: Connection, leaves: bool) -> None:
            body = json.dumps({"question": next(asked), "stream": True}).encode()
            ended, waited = False, False
            async for piece in connection.stream("/chat", body):
                ended = ended or b"event: done" in piece
                if not waited and b"event: delta" in piece:
                    waited = True
                    await begun.wait()
                    await goes.wait()
                    if leaves:
                        return connection.close()
            if not ended:
                self.judge("a stream that was read to its end ends with its answer", False)
            return None

        async with connections(URL, count) as opened:
            share = int(count * leave)
            tasks = [asyncio.create_task(caller(one, number < share)) for number, one in enumerate(opened)]
            waiting = asyncio.ensure_future(begun.wait())
            await asyncio.wait({waiting, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            peak = resident_mb(pid) if pid else 0.0
            before = (await asyncio.to_thread(_counts))["left"]
            goes.set()
            at = time.perf_counter()
            while (await asyncio.to_thread(_counts))["left"] < before + share and time.perf_counter() - at < 30:
                await asyncio.sleep(0.02)
            known = time.perf_counter() - at
            await asyncio.gather(*tasks)
        return peak, known

    def soak(self) -> None:
        """Searches and questions at half of what the service can do, for long."""
        with self.service() as pid:
            _, statuses = asyncio.run(self._paced(float("inf"), 30, pid))
            rate = len(statuses) / 30 / 2
            sampled, statuses = asyncio.run(self._paced(rate, self.options.minutes * 60, pid))
        # The first fifth is still warming up: caches fill, arenas grow.
        kept = sampled[len(sampled) // 5 :]
        first, last = (statistics.mean(part) for part in (kept[: len(kept) // 4 or 1], kept[-(len(kept) // 4 or 1) :]))
        wrong = sum(status >= 500 for status in statuses)
        print(f"  {len(statuses)} requests in {self.options.minutes:g} minutes, {rate:.1f} a second wanted,", end=" ")
        print(f"{len(statuses) / (self.options.minutes * 60):.1f} done; memory {first:.0f} MB, then {last:.0f} MB")
        self.judge(f"no 5xx ({wrong})", wrong == 0)
        self.judge(f"memory is flat within 10% ({last / first - 1:+.1%})", abs(last / first - 1) <= 0.1)

    async def _paced(self, rate: float, seconds: float, pid: int) -> tuple[list[float], list[int]]:
        """``rate`` requests a second, every fifth a question; memory each second, and all statuses."""
        statuses: list[int] = []
        sampled: list[float] = []
        began = time.perf_counter()
        end = began + seconds
        slots = iter(began + number / rate for number in itertools.count())
        asked = itertools.cycle(self.questions)
        numbers = itertools.count()

        async def caller(connection: Connection) -> None:
            while max(at := next(slots), time.perf_counter()) < end:
                await asyncio.sleep(max(0.0, at - time.perf_counter()))
                question = next(asked)
                if next(numbers) % 5:
                    told = ("GET", f"/search?{urlencode({'q': question, 'k': 10})}", b"")
                else:
                    told = ("POST", "/chat", json.dumps({"question": question}).encode())
                status, _ = await connection.ask(*told)
                statuses.append(status)

        async def sampler() -> None:
            while time.perf_counter() < end:
                sampled.append(resident_mb(pid))
                await asyncio.sleep(1)

        async with connections(URL, AT_ONCE) as opened:
            await asyncio.gather(sampler(), *map(caller, opened))
        return sampled, statuses


def _counts() -> dict[str, int]:
    with urlopen(f"{MODEL_URL}/counts", timeout=30) as reply:
        counts: dict[str, int] = json.load(reply)
        return counts


def _settled(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def _settled_mb(pid: int) -> float:
    """Memory once it has stopped falling, 10 seconds at most."""
    lowest = resident_mb(pid)
    for _ in range(20):
        time.sleep(0.5)
        lowest = min(lowest, resident_mb(pid))
    return lowest


PARTS = ("search", "chat", "streams", "soak")


def main(arguments: Sequence[str]) -> int:
    """Run the parts asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="tests.bench.api", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--minutes", type=float, default=20, help="length of the soak")
    parser.add_argument("--seconds", type=float, default=20, help="length of a round of searches")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of searches for each service, in turn")
    parser.add_argument("--streams", type=int, default=1000, help="streams opened at once")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="dateline-bench-api-") as folder:
        bench = Bench(Path(folder), options)
        for part in options.parts or PARTS:
            print(f"{part}:", flush=True)
            getattr(bench, part)()
    return 1 if bench.missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
