"""What the service counts and times, as Prometheus reads it. No question, no answer and no key is among it."""

from __future__ import annotations

import os

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from qa.models import Answer

CONTENT_TYPE = CONTENT_TYPE_LATEST
SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus-client keeps the figures of several processes; set before it is imported."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Measures:
    """The figures of one application, each named ``dateline_...``."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self._requests = Counter(
            "dateline_requests", "Requests answered, by route and status", ("method", "route", "status"), registry=own
        )
        self._request_seconds = Histogram(
            "dateline_request_seconds",
            "Seconds to answer a request",
            ("route",),
            buckets=_SECONDS,
            registry=own,
        )
        self._stage_seconds = Histogram(
            "dateline_stage_seconds",
            "Seconds of the stages of a question: search, retrieve, generate, verify, total",
            ("stage",),
            buckets=_SECONDS,
            registry=own,
        )
        self._tokens = Counter("dateline_tokens", "Tokens read and written by models", ("model", "kind"), registry=own)
        self._answers = Counter("dateline_answers", "Questions answered", ("model", "outcome"), registry=own)
        self._sentences = Counter(
            "dateline_sentences", "Sentences of answers: supported, unsupported, refused", ("verdict",), registry=own
        )
        self._failures = Counter("dateline_failures", "Questions and searches that failed", ("code",), registry=own)
        self._unwritten = Counter("dateline_audit_failures", "Lines the audit log could not be given", registry=own)
        self._running = Gauge(
            "dateline_running", "Questions and searches worked on now", multiprocess_mode="livesum", registry=own
        )
        self._waiting = Gauge(
            "dateline_waiting",
            "Questions and searches that wait",
            multiprocess_mode="livesum",
            registry=own,
        )
        self.backlog = Gauge(
            "dateline_backlog", "Chunks without a vector yet", multiprocess_mode="livemostrecent", registry=own
        )
        self.jobs = Gauge(
            "dateline_jobs_waiting", "Ingest jobs waiting or running", multiprocess_mode="livemostrecent", registry=own
        )
        # So that a rate can be taken from the first one on.
        for verdict in ("supported", "unsupported", "refused"):
            self._sentences.labels(verdict)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered; ``status`` 0 when its caller left before."""
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def answer(self, answer: Answer, *, refused: int) -> None:
        """A question was answered; ``refused`` sentences were left out of what a model wrote."""
        outcome = "abstained" if answer.abstained else "answered"
        self._answers.labels(answer.model, outcome).inc()
        timings = answer.timings_ms
        for stage in ("retrieve", "generate", "verify", "total"):
            # An answer given again went through none of them.
            if taken := getattr(timings, stage):
                self._stage_seconds.labels(stage).observe(taken / 1000)
        if answer.usage is not None:
            self._tokens.labels(answer.model, "input").inc(answer.usage.input_tokens)
            self._tokens.labels(answer.model, "output").inc(answer.usage.output_tokens)
        supported = sum(sentence.supported for sentence in answer.sentences)
        self._sentences.labels("supported").inc(supported)
        self._sentences.labels("unsupported").inc(len(answer.sentences) - supported)
        self._sentences.labels("refused").inc(refused)

    def work(self, running: int, waiting: int) -> None:
        """How many questions and searches are worked on, and how many wait."""
        self._running.set(running)
        self._waiting.set(waiting)

    def search(self, seconds: float) -> None:
        """A search was answered."""
        self._stage_seconds.labels("search").observe(seconds)

    def failure(self, code: str) -> None:
        """A question or a search failed; ``left`` when its caller went away."""
        self._failures.labels(code).inc()

    def unwritten(self) -> None:
        """The audit log missed a line."""
        self._unwritten.inc()

    def text(self) -> bytes:
        """All figures in Prometheus' text format: of this process, or of all workers together."""
        if not os.environ.get(SHARED):
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
