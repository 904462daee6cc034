"""What leaves the machine, and to whom: told at the start, by ``/status`` and by nobody's guess."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from qa.models import EXTRACTIVE
from qa.settings import Settings

ASKED = "questions, what was said before them, and the passages found for them"
_URLS: Mapping[str, str | None] = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "google_genai": "https://generativelanguage.googleapis.com",
    "ollama": "http://127.0.0.1:11434",
    "huggingface": None,
}
"""Where a provider is reached unless told otherwise; None = within the process."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """``what`` is sent ``to`` a host, because of the setting ``by``."""

    what: str
    to: str
    by: str


def disclosures(settings: Settings) -> tuple[Disclosure, ...]:
    """All that may be sent to other machines by a service with these settings; empty: nothing is.

    URLs that are fetched because somebody asked for it (``dateline ingest URL``) are not among it.
    """
    return tuple(dict.fromkeys(one for one in _all(settings) if not _is_here(one.to)))


def _all(settings: Settings) -> Iterator[Disclosure]:
    names = ("DATELINE_MODEL", *("DATELINE_FALLBACK_MODELS" for _ in settings.fallback_models))
    for name, url in zip(names, model_urls(settings), strict=True):
        yield Disclosure(ASKED, _of(url) if url is not None else "", name)
    if settings.chroma_url:
        yield Disclosure("vectors of passages and of questions", _of(settings.chroma_url), "DATELINE_CHROMA_URL")
    if settings.database_url:
        url = settings.database_url.get_secret_value()
        yield Disclosure("the articles, and what ingest jobs report", _of(url), "DATELINE_DATABASE_URL")
    if settings.traces_url:
        yield Disclosure("how long questions took, without their text", _of(settings.traces_url), "DATELINE_TRACES_URL")


def model_urls(settings: Settings) -> tuple[str | None, ...]:
    """Where the configured model and each of those that follow it are; None = within this process.

    Of a provider that nothing is known of, its name stands for its address.
    """
    own = _provider(settings.model)
    found = [_url(settings.model, settings.model_base_url)]
    for told in settings.fallback_models:
        spec, at, rest = told.partition("@http")
        base = f"http{rest}" if at else settings.model_base_url if _provider(spec) == own else None
        found.append(_url(spec, base))
    return tuple(found)


def _url(model: str, base_url: str | None) -> str | None:
    provider = _provider(model)
    if model == EXTRACTIVE or _URLS.get(provider, "") is None:
        return None
    return base_url or _URLS.get(provider) or f"//the provider {provider}"


def _provider(model: str) -> str:
    provider, colon, _ = model.partition(":")
    return provider if colon else "openai"


def _of(url: str) -> str:
    try:
        # A file, or a socket of this machine, has no host.
        return urlsplit(url).hostname or ""
    except ValueError:
        return url


def _is_here(host: str) -> bool:
    if host in ("", "localhost") or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def told(found: tuple[Disclosure, ...]) -> str:
    """The same for people, in a sentence or several."""
    if not found:
        return "Nothing leaves this machine."
    return " ".join(f"{one.what[0].upper()}{one.what[1:]} go to {one.to} ({one.by})." for one in found)
