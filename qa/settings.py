"""The one Settings class: every ``DATELINE_*`` variable with its unit, range and default.

Settings are read at the edges (the command line, the application factory) and handed inwards as plain arguments.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from qa.errors import SettingsError
from qa.models import EXTRACTIVE
from qa.prices import load_prices
from qa.service_settings import ServiceSettings, parts_of

PREFIX = "DATELINE_"


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zones():
        close = difflib.get_close_matches(name, _zones(), n=1)
        raise ValueError("not an IANA time zone" + (f"; did you mean {close[0]}?" if close else ""))
    return name


def _holds_prices(given: str) -> str:
    try:
        load_prices(given)
    except SettingsError as error:
        raise ValueError(error.message.removeprefix(f"{PREFIX}PRICES: ")) from None
    return given


def _holds_template(path: Path) -> Path:
    # Only here: it brings along all that is known of dates, which most commands have no use for.
    from qa.prompt import read_template

    try:
        read_template(path)
    except SettingsError as error:
        raise ValueError(error.message.removeprefix(f"{PREFIX}PROMPT_FILE: ")) from None
    return path


class Settings(ServiceSettings):
    """All settings. Sources, strongest first: arguments, environment, ``.env`` in the working directory, defaults."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
    )

    home: Path = Field(Path(".dateline"), description="Directory of the collection: catalogue, vectors, lexical index.")
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "UTC", description="IANA time zone that decides which day today is, when no as-of date is given."
    )
    date_order: Literal["auto", "dmy", "mdy"] = Field(
        "auto",
        description="How dates such as 03/04/2024 are read: day first (dmy), month first (mdy), or as the source's"
        " other dates prove (auto), else not at all.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="Least severe log lines shown on stderr."
    )

    model: str = Field(
        EXTRACTIVE,
        min_length=1,
        description="Who answers: extractive (quotes, needs nothing), or PROVIDER:NAME, e.g. openai:gpt-5-mini.",
    )
    fallback_models: Annotated[tuple[str, ...], NoDecode, BeforeValidator(parts_of)] = Field(
        (),
        description="Who answers when the model fails, in order, comma-separated: PROVIDER:NAME, or PROVIDER:NAME@URL"
        " for a server of its own; extractive for the embedded reader.",
    )
    model_base_url: str | None = Field(
        None, description="Base URL of an OpenAI-compatible server, e.g. http://127.0.0.1:11434/v1."
    )
    model_api_key: SecretStr | None = Field(
        None, description="Key for the model's provider; unset: the provider's own variable, e.g. OPENAI_API_KEY."
    )
    model_timeout: float = Field(
        60.0, gt=0, le=3600, description="Seconds to wait for a model's whole reply, with its retries."
    )
    model_connect_timeout: float = Field(
        5.0, gt=0, le=600, description="Seconds to wait for a connection to the model's server."
    )
    model_first_timeout: float = Field(
        30.0, gt=0, le=3600, description="Seconds to wait for the first words of a reply; more for a slow machine."
    )
    model_idle_timeout: float = Field(
        15.0, gt=0, le=3600, description="Seconds a model may fall silent in the middle of its reply."
    )
    model_retries: int = Field(
        2, ge=0, le=10, description="Further tries after a failure that may pass (429, 5xx, no connection)."
    )
    requests_per_minute: float | None = Field(
        None, gt=0, le=1_000_000, description="Most requests made of a model (of a service, with --server) in a minute."
    )
    tokens_per_minute: int | None = Field(
        None, ge=1, le=1_000_000_000, description="Most tokens sent to and had from a model in a minute, as counted."
    )
    breaker_failures: int = Field(
        5,
        ge=1,
        le=1000,
        description="Questions a model fails in a row before it is passed over, where another follows.",
    )
    breaker_seconds: float = Field(
        30.0, gt=0, le=86_400, description="Seconds for which it is passed over, before one question tries it again."
    )
    prices: Annotated[str, AfterValidator(_holds_prices)] | None = Field(
        None,
        description="What models cost per million tokens: a JSON file or the JSON itself, as"
        ' {"openai:gpt-5-mini": {"input": 0.25, "output": 2.0, "currency": "USD"}}.',
    )
    temperature: float = Field(0.0, ge=0, le=2, description="Sampling temperature of the chat model.")
    max_output_tokens: int = Field(
        800, ge=16, le=100_000, description="Longest reply asked of the chat model, in tokens."
    )
    max_reply_chars: int = Field(
        20_000, ge=200, le=1_000_000, description="Longest reply taken from the chat model, in characters."
    )
    prompt_tokens: int = Field(
        6000,
        ge=500,
        le=1_000_000,
        description="Longest prompt sent to the chat model, in tokens; keep it below the server's context length.",
    )
    prompt_style: Literal["auto", "full", "simple"] = Field(
        "auto",
        description="What the chat model is told: all rules (full), or few of them and an example (simple), which suits"
        " small models; auto goes by the model's name and place.",
    )
    prompt_file: Annotated[Path, AfterValidator(_holds_template)] | None = Field(
        None, description="File with what the chat model is told instead; it must hold {dates} and {abstention}."
    )

    embedding_model: str = Field(
        "all-MiniLM-L6-v2",
        min_length=1,
        description="Embedding model: all-MiniLM-L6-v2 (bundled), or a sentence-transformers name or path; a collection"
        " that has vectors of another is changed over by `dateline ingest --reembed`.",
    )
    embedding_backend: Literal["auto", "torch", "onnx-float32", "onnx-int8", "torch-bfloat16"] = Field(
        "auto", description="What computes embeddings; auto picks the fastest that is exact enough on this machine."
    )
    embedding_batch: int = Field(32, ge=1, le=4096, description="Chunks a torch backend embeds at a time.")
    chunk_tokens: int = Field(
        180,
        ge=32,
        le=8192,
        description="Longest chunk, in tokens of the embedding model; never more than the model takes. Articles that"
        " are there already are cut anew by `dateline ingest --reembed`.",
    )

    top_k: int = Field(6, ge=1, le=50, description="Passages an answer is made from.")
    candidates: int = Field(
        100, ge=10, le=1000, description="Chunks taken from each of dense and lexical search before fusion."
    )
    passages_per_article: int = Field(
        2, ge=1, le=50, description="Most passages of one article among those an answer is made from."
    )
    reranker: str | None = Field(
        None,
        min_length=1,
        description="Cross-encoder that puts what was found in order, a sentence-transformers name or path, e.g."
        " cross-encoder/ms-marco-MiniLM-L6-v2; unset: none.",
    )
    rerank_candidates: int = Field(
        30, ge=2, le=500, description="Chunks the reranker reads for a question, the best of those found."
    )
    rerank_timeout: float = Field(
        3.0, gt=0, le=600, description="Seconds the reranker may take for a question; then it is answered without."
    )
    follow_ups: Literal["auto", "code", "off"] = Field(
        "auto",
        description="Who completes a question that leans on the conversation, before it is searched: the chat model"
        " where there is one, else rules (auto); rules alone (code); or nobody (off).",
    )
    multi_query: bool = Field(
        False,
        description="Whether the chat model names up to 3 further search queries, one for each part of a question that"
        " has several: one more call, and its wait, for every question.",
    )
    rewrite_timeout: float = Field(
        8.0,
        gt=0,
        le=600,
        description="Seconds the chat model may take to complete a question or to name queries; then it does without.",
    )
    half_life: float = Field(
        30.0, gt=0, le=36_500, description="Days after which a report counts half as much (down to the floor)."
    )
    age_floor: float = Field(
        0.5, ge=0, le=1, description="Least weight an old or undated report keeps; 1 turns weighting by age off."
    )
    abstain_below: float = Field(
        0.59,
        ge=0,
        le=1,
        description="Least confidence (0 to 1) in its best sentence with which the embedded reader answers.",
    )

    unsupported: Literal["flag", "drop", "keep"] = Field(
        "flag",
        description="What becomes of a chat model's sentence that the articles do not say: flag marks it in the text,"
        " drop leaves it out, keep marks it in the data only. One with a wrong number, date, name, negation or"
        " quotation is always left out.",
    )

    chroma_url: str | None = Field(None, description="URL of a Chroma server; unset: Chroma embedded, in the home.")
    database_url: SecretStr | None = Field(
        None, description="SQLAlchemy URL of the catalogue's database; unset: SQLite in the home."
    )

    fetch_timeout: float = Field(30.0, gt=0, le=600, description="Seconds a URL may take to fetch, in all.")
    fetch_max_bytes: int = Field(
        20_000_000, ge=1024, le=1_000_000_000, description="Largest content fetched from a URL, in bytes, decompressed."
    )
    fetch_delay: float = Field(
        1.0, ge=0, le=60, description="Seconds between two requests to one host; more where its robots.txt says so."
    )
    fetch_private: bool = Field(
        False,
        description="Whether private addresses, as an intranet's, may be fetched; a feed's links then reach them, too.",
    )
    fetch_user_agent: str = Field(
        "Dateline",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]([ -~]*[!-~])?$",
        description="How fetching names itself to servers and their robots.txt, e.g. Dateline/1 (+https://you.example).",
    )

    concurrency: int = Field(4, ge=1, le=256, description="Batch questions asked at the same time.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """No secrets directory: three sources are enough to reason about."""
        return init_settings, env_settings, dotenv_settings

    def today(self) -> date:
        """The current day in ``timezone``: the default as-of date."""
        return datetime.now(ZoneInfo(self.timezone)).date()


def find_env_file() -> Path | None:
    """``.env`` in the working directory; None where there is none.

    Where this user may not look into the directory, as a service's user in root's home, there is none for it.
    """
    # Path.is_file() raises for such a directory, os.path.isfile() does not.
    return Path(".env") if os.path.isfile(".env") else None  # noqa: PTH113


def _unknown_names(environ: Mapping[str, str], env_file: Path | None) -> list[tuple[str, str]]:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    found = [(name, "environment") for name in environ]
    if env_file is not None:
        from dotenv import dotenv_values

        try:
            found += [(name, str(env_file)) for name in dotenv_values(env_file)]
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"{env_file} cannot be read: {error}",
                hint="It must be UTF-8 text that this user may read; or run the command in another directory.",
            ) from None
    # DATELINE_BENCH_* and DATELINE_TEST_* steer benches and tests, not the product.
    reserved = (f"{PREFIX}BENCH_", f"{PREFIX}TEST_")
    return [
        (name, where)
        for name, where in found
        if name.upper().startswith(PREFIX) and name.upper() not in known and not name.upper().startswith(reserved)
    ]


def load_settings(**overrides: Any) -> Settings:
    """Read the settings; ``overrides`` with value None are ignored, others win over the environment.

    Raises ``SettingsError`` naming the variable for a value out of range and for an unknown ``DATELINE_*`` name, which
    is most often a misspelt one.
    """
    env_file = find_env_file()
    for name, where in _unknown_names(os.environ, env_file):
        known = [f"{PREFIX}{field.upper()}" for field in Settings.model_fields]
        close = difflib.get_close_matches(name.upper(), known, n=1)
        hint = f"Did you mean {close[0]}?" if close else None
        raise SettingsError(f"{where}: there is no setting {name}", hint=hint)
    try:
        given = {key: value for key, value in overrides.items() if value is not None}
        return Settings(_env_file=env_file, **given)
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper() if first["loc"] else "settings"
        raise SettingsError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None
