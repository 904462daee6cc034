"""A scripted OpenAI-compatible server with limits and faults, which counts what it is asked."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter, deque
from typing import Any

from tests.fakes import Reply, ScriptedOpenAI

TEXT = "Transport minister Kestle resigned. [1]"
_NUMBER = re.compile(r"Kestle, (\d+)\?")


def question(number: int) -> str:
    """The text of a question that the server knows again."""
    return f"Why did the transport minister of Varren, Kestle, {number}?"


class LimitedOpenAI(ScriptedOpenAI):
    """Answers every question with ``TEXT`` after ``latency`` seconds, except where it is faulty or asked too often.

    More than ``per_minute`` requests in any minute (None: any number) get 429 with Retry-After. Of the others so many
    are chosen by ``seed``: ``refusals`` get 429 with a Retry-After of a fifth of a second, ``hangs`` are accepted and
    left waiting, ``errors`` get 500. With ``quota`` requests answered, 429 says that it is used up.
    """

    def __init__(
        self,
        *,
        per_minute: int | None = None,
        refusals: float = 0.0,
        hangs: float = 0.0,
        errors: float = 0.0,
        latency: float = 0.0,
        quota: int | None = None,
        seed: int = 1,
    ) -> None:
        super().__init__()
        self.asked: Counter[int] = Counter()
        self.answered: set[int] = set()
        self.asked_again: list[int] = []
        """Questions asked although they had been answered."""
        self.outcomes: Counter[str] = Counter()
        self.times: list[float] = []
        self._per_minute = per_minute
        self._shares = (refusals, hangs, errors)
        self._latency = latency
        self._quota = quota
        self._random = random.Random(seed)
        self._admitted: deque[float] = deque()
        self._counting = threading.Lock()

    def _reply(self, request: dict[str, Any]) -> Reply:
        found = _NUMBER.findall(request["messages"][-1]["content"])
        number = int(found[-1]) if found else -1
        with self._counting:
            outcome, reply = self._chosen()
            self.times.append(time.monotonic())
            self.outcomes[outcome] += 1
            self.asked[number] += 1
            if number in self.answered:
                self.asked_again.append(number)
            if outcome == "answered":
                self.answered.add(number)
        return reply

    def _chosen(self) -> tuple[str, Reply]:
        if self._quota is not None and len(self.answered) >= self._quota:
            body = '{"error": {"message": "You exceeded your quota", "type": "x", "code": "insufficient_quota"}}'
            return "quota", Reply(status=429, body=body)
        now = time.monotonic()
        while self._admitted and self._admitted[0] <= now - 60:
            self._admitted.popleft()
        if self._per_minute is not None and len(self._admitted) >= self._per_minute:
            wait = max(1, round(self._admitted[0] + 60 - now))
            return "limited", Reply(status=429, headers={"retry-after": str(wait)})
        self._admitted.append(now)
        draw, (refusals, hangs, errors) = self._random.random(), self._shares
        if draw < refusals:
            return "refused", Reply(status=429, headers={"retry-after-ms": "200", "retry-after": "1"})
        if draw < refusals + hangs:
            return "hung", Reply(TEXT, delay=3600)
        if draw < refusals + hangs + errors:
            return "failed", Reply(status=500)
        return "answered", Reply(TEXT, delay=self._latency, piece_size=1000)
