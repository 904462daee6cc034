"""Traces: a span for each question and for each of its stages. Spans hold figures, never the words of a question."""

from __future__ import annotations

from collections.abc import Callable
from time import time_ns

from opentelemetry import trace
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context

from qa.errors import SettingsError
from qa.events import DoneEvent, Event, PassagesEvent, StatusEvent
from qa.models import Answer


def tracer_of(url: str | None) -> tuple[Tracer, Callable[[], None]]:
    """What makes spans, and what ends it. ``url`` is the collector's; None leaves it to whoever set up OpenTelemetry
    around the service, nobody by default. Raises ``SettingsError`` when the extra ``otel`` is missing.
    """
    if url is None:
        return trace.get_tracer("dateline"), lambda: None
    try:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SettingsError(
            f"DATELINE_TRACES_URL: {error.name} is missing", hint="pip install 'dateline[otel]'"
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": "dateline"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url, insecure=url.startswith("http:"))))
    return provider.get_tracer("dateline"), provider.shutdown


class Traced:
    """The spans of one question: ``answer``, and in it ``retrieve``, ``generate`` and ``verify``."""

    def __init__(self, tracer: Tracer, request_id: str) -> None:
        self._tracer = tracer
        self._whole = tracer.start_span("answer", attributes={"dateline.request_id": request_id})
        self._stage: Span | None = None

    def event(self, event: Event) -> None:
        """Something happened."""
        match event:
            case StatusEvent(stage):
                self._end_stage()
                self._stage = self._begin(stage)
            case PassagesEvent(passages):
                self._whole.set_attribute("dateline.passages", len(passages))
            case DoneEvent(answer=answer):
                self._end_stage()
                self._verified(answer)
                self._whole.set_attributes(_figures(answer))
            case _:
                pass

    def end(self, failure: str | None) -> None:
        """It is over; ``failure`` is the code of what ended it, None for an answer."""
        if failure is not None:
            for span in (self._stage, self._whole):
                if span is not None:
                    span.set_status(Status(StatusCode.ERROR, failure))
        self._end_stage()
        self._whole.end()

    def _begin(self, name: str, start: int | None = None) -> Span:
        return self._tracer.start_span(name, context=set_span_in_context(self._whole), start_time=start)

    def _end_stage(self) -> None:
        if self._stage is not None:
            self._stage.end()
            self._stage = None

    def _verified(self, answer: Answer) -> None:
        # Sentences are verified one by one as they are generated: the span has the length of all of it together.
        now = time_ns()
        self._begin("verify", now - int(answer.timings_ms.verify * 1_000_000)).end(now)


def _figures(answer: Answer) -> dict[str, str | int | bool]:
    figures: dict[str, str | int | bool] = {
        "dateline.answer_id": answer.id,
        "dateline.model": answer.model,
        "dateline.abstained": answer.abstained,
        "dateline.sentences": len(answer.sentences),
    }
    if answer.usage is not None:
        figures["dateline.input_tokens"] = answer.usage.input_tokens
        figures["dateline.output_tokens"] = answer.usage.output_tokens
    return figures
