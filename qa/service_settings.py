"""The settings of `dateline serve`: where it listens, who may come in, how much, and what is written down of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode


def parts_of(value: object) -> object:
    """The parts of a comma-separated list, without surrounding white space; empty ones are left out."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _origins(found: tuple[str, ...]) -> tuple[str, ...]:
    for origin in found:
        url = urlsplit(origin)
        if origin != "*" and (url.scheme not in ("http", "https") or origin != f"{url.scheme}://{url.netloc}"):
            raise ValueError(f"{origin!r} is no origin; write https://HOST, without a path")
    return found


def _collector(url: str) -> str:
    parsed = urlsplit(url)
    if parsed.scheme not in ("http", "https") or not parsed.hostname:
        raise ValueError("not the URL of a collector; write http://HOST:4317")
    return url


class ServiceSettings(BaseSettings):
    """What only the service and those who ask it need of :class:`qa.settings.Settings`."""

    host: str = Field("127.0.0.1", description="Address `dateline serve` listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port `dateline serve` listens on.")
    workers: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes that answer; more than 1 takes DATELINE_CHROMA_URL and DATELINE_DATABASE_URL.",
    )
    api_keys_file: Path | None = Field(
        None, description="File of those who may come in, made by `dateline keys new`; unset: this machine alone."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(parts_of), AfterValidator(_origins)] = Field(
        (), description="Origins whose pages may call the service, comma-separated, e.g. https://desk.example; or *."
    )
    rate_limit: str = Field(
        "600/minute",
        pattern=r"^([1-9][0-9]{0,8}/(second|minute|hour|day)|off)$",
        description="Requests accepted of one key: NUMBER/second, minute, hour or day; or off. Without keys, of one"
        " address other than this machine's.",
    )
    requests_per_key: int = Field(
        64, ge=1, le=100_000, description="Requests of one key (or address) answered at the same time."
    )
    max_running: int = Field(128, ge=1, le=100_000, description="Questions and searches worked on at the same time.")
    max_waiting: int = Field(256, ge=0, le=100_000, description="Questions and searches that may wait for their turn.")
    max_wait: float = Field(30.0, gt=0, le=3600, description="Seconds a question or search may wait for its turn.")
    max_question_chars: int = Field(4000, ge=16, le=100_000, description="Longest question accepted, in characters.")
    max_history_turns: int = Field(200, ge=0, le=10_000, description="Most earlier messages accepted with a question.")
    max_history_chars: int = Field(
        200_000, ge=0, le=10_000_000, description="Most characters those messages may have together."
    )
    max_body_bytes: int = Field(10_000_000, ge=1024, description="Largest HTTP request body accepted, in bytes.")
    max_upload_bytes: int = Field(
        200_000_000, ge=1024, description="Largest body accepted with articles (POST /articles), in bytes."
    )
    max_upload_files: int = Field(100, ge=1, le=10_000, description="Most files and URLs accepted in one request.")
    max_jobs: int = Field(100, ge=1, le=10_000, description="Ingest jobs that may wait; they run one after another.")
    job_days: int = Field(30, ge=1, le=3650, description="Days for which finished jobs are remembered.")
    shutdown_grace: int = Field(
        10, ge=0, le=3600, description="Seconds running answers are given to finish when the service stops."
    )
    cache_answers: int = Field(
        500, ge=0, le=1_000_000, description="Answers the service keeps to give again when asked the same; 0: none."
    )
    cache_seconds: float = Field(3600.0, gt=0, le=31_536_000, description="Seconds for which it keeps them.")
    sessions: int = Field(
        10_000, ge=1, le=10_000_000, description="Conversations the service keeps; those not used for longest go."
    )
    session_days: float = Field(
        7.0, gt=0, le=3650, description="Days for which a conversation is kept after its last question."
    )
    session_turns: int = Field(
        50, ge=1, le=100, description="Questions with their answers kept of a conversation; the oldest go."
    )
    session_chars: int = Field(
        100_000, ge=1000, le=10_000_000, description="Characters kept of a conversation, its answers included."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Log lines as text for people, or as one JSON object each, with its request's id."
    )
    traces_url: Annotated[str, AfterValidator(_collector)] | None = Field(
        None,
        description="OpenTelemetry collector (OTLP over gRPC) that is sent a trace of each question, without its text,"
        " e.g. http://127.0.0.1:4317; takes the extra `otel`; unset: none.",
    )
    audit_dir: Path | None = Field(
        None,
        description="Directory of the audit log: who asked what, which passages were shown, what was answered; one"
        " JSON Lines file a day. Unset: none is kept.",
    )
    audit_days: int = Field(
        0, ge=0, le=36_500, description="Days after which a file of the audit log is removed; 0: never."
    )
    server_url: str | None = Field(None, description="URL of a running `dateline serve` to ask instead of the home.")
    server_key: SecretStr | None = Field(None, description="API key to ask that service with.")
