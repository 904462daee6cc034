"""The checks of ``dateline doctor``. Each finds one thing out; none keeps the next from being made."""

from __future__ import annotations

import asyncio
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from api.cli.options import settings_for
from qa.errors import DatelineError
from qa.models import EXTRACTIVE, Ask

if TYPE_CHECKING:
    from pathlib import Path

    from qa.settings import Settings

_PARTS = ("chromadb", "tantivy", "sqlalchemy", "onnxruntime", "sentence-transformers", "torch", "langchain", "fastapi")
_LOW_DISK = 1_000_000_000
_KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "google_genai": "GOOGLE_API_KEY"}
_QUESTION = "Reply with the one word: ready"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. ``hint`` says what to do, and is empty where there is nothing."""

    part: str
    state: Literal["ok", "warning", "failed"]
    told: str
    hint: str = ""


def checkup(options: Mapping[str, Any], *, debug: bool = False) -> Iterator[Finding]:
    """What there is to find out, as it is found. ``options`` override settings where they are not None."""
    yield _installation()
    try:
        settings = settings_for(debug=debug, **options)
    except DatelineError as error:
        yield _failed("settings", error)
        return
    yield Finding("settings", "ok", "understood; `dateline status` says where each came from")
    if settings.server_url:
        yield _service(settings)
        return
    yield _weights(settings)
    yield _disk(settings.home)
    home = _home(settings)
    yield home
    yield from _model(settings, usable=home.state != "failed")


def _failed(part: str, error: DatelineError) -> Finding:
    return Finding(part, "failed", str(error), error.hint)


def _installation() -> Finding:
    found, missing = [], []
    for name in ("dateline", *_PARTS):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            if name != "dateline":  # run from a checkout
                missing.append(name)
    told = f"Python {platform.python_version()}, {', '.join(found)}"
    if missing:
        hint = "Run `pip install -c constraints.txt .` anew."
        return Finding("installation", "failed", f"{', '.join(missing)} cannot be found; {told}", hint)
    return Finding("installation", "ok", told)


def _weights(settings: Settings) -> Finding:
    from qa.library.encoders import BUNDLED, bundled_path, verify_bundled

    if settings.embedding_model.removeprefix("sentence-transformers/") != BUNDLED:
        return Finding("embedding model", "ok", f"{settings.embedding_model}, which is loaded with the first question")
    try:
        verify_bundled(bundled_path())
    except DatelineError as error:
        return _failed("embedding model", error)
    return Finding("embedding model", "ok", f"{BUNDLED}, the published weights")


def _disk(home: Path) -> Finding:
    place = home.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    told = f"{free / 1e9:.1f} GB free at {place}"
    if free < _LOW_DISK:
        return Finding("disk", "warning", told, "100,000 passages take about 1 GB: make room before you ingest more.")
    return Finding("disk", "ok", told)


def _home(settings: Settings) -> Finding:
    from qa.library.home import WriterLock, open_home

    try:
        with open_home(settings) as opened:
            found = opened.index.status()
    except DatelineError as error:
        return _failed("home", error)
    holder = WriterLock(settings.home).held_by()
    told = f"{settings.home}: {found.articles} articles, {found.chunks} passages"
    if holder:
        told += f"; `dateline {holder.get('command')}` is writing"
    if found.backlog and not holder:
        hint = "Run `dateline ingest` again, or `dateline status --repair`: they are found by their words only."
        return Finding("home", "warning", f"{told}; {found.backlog} of them are not embedded", hint)
    if not found.articles:
        return Finding("home", "warning", told, "Take articles in with `dateline ingest PATH`.")
    return Finding("home", "ok", told)


def _model(settings: Settings, *, usable: bool) -> Iterator[Finding]:
    """The key, and one question."""
    if settings.model == EXTRACTIVE:
        if usable:
            yield _asked(settings.model, lambda: _ask_home(settings))
        return
    yield _key(settings)
    yield _asked(settings.model, lambda: _ask_model(settings))


def _key(settings: Settings) -> Finding:
    import os

    provider = settings.model.partition(":")[0]
    variable = _KEYS.get(provider)
    if settings.model_api_key is not None:
        return Finding("key", "ok", "DATELINE_MODEL_API_KEY is set")
    if variable is None or settings.model_base_url:
        return Finding("key", "ok", "none is set; this model may need none")
    if os.environ.get(variable):
        return Finding("key", "ok", f"{variable} is set")
    return Finding("key", "warning", "none is set", f"Set DATELINE_MODEL_API_KEY or {variable}.")


def _asked(model: str, ask: Any) -> Finding:
    begun = perf_counter()
    try:
        told = asyncio.run(ask())
    except DatelineError as error:
        return _failed("model", error)
    return Finding("model", "ok", f"{model} answered one question in {perf_counter() - begun:.1f} s{told}")


async def _ask_home(settings: Settings) -> str:
    from api.client import LocalAsker

    async with LocalAsker(settings) as asker:
        answer = await asker.answer(Ask("What was reported last?"))
    return ", with a quote" if answer.citations else "; the articles did not say"


async def _ask_model(settings: Settings) -> str:
    from qa.llm import Ending
    from qa.prompt import Message
    from qa.roster import Roster

    text = ""
    async with aclosing(Roster(settings).model(settings.model).stream([Message("user", _QUESTION)])) as pieces:
        async for piece in pieces:
            text += "" if isinstance(piece, Ending) else piece
    return f": {text.strip()[:60]!r}"


def _service(settings: Settings) -> Finding:
    async def status() -> str:
        from api.remote import Remote

        async with Remote(settings) as remote:
            found = await remote.status()
        return f"{settings.server_url}: {found.articles} articles, model {found.model}"

    try:
        return Finding("service", "ok", asyncio.run(status()))
    except DatelineError as error:
        return _failed("service", error)
