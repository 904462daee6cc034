"""The chat models of one engine: which answers a question, which follow when it fails, and what each is told.

Each is made once and keeps its connections and its record of failures.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from qa.breaker import Breaker
from qa.errors import SettingsError
from qa.llm import IN_PROCESS, Backend, ChatModel, ModelConfig
from qa.models import EXTRACTIVE, Ask, Passage
from qa.pace import Pace
from qa.prices import load_prices
from qa.prompt import (
    Message,
    Template,
    build_messages,
    builtin_template,
    prompt_version,
    read_template,
    style_for,
)
from qa.settings import Settings

_OWN_URL = re.compile(r"@(?=https?://)")


@dataclass(frozen=True, slots=True)
class Chain:
    """Who is asked, in order. ``reader``: the embedded reader was named to follow the models."""

    models: tuple[ChatModel, ...]
    reader: bool = False


class Roster:
    """Raises ``SettingsError`` at once for what cannot work: a model without a provider, a price table, a template.

    ``patient``: rather late than not at all, see :class:`qa.pace.Patience`.
    """

    def __init__(self, settings: Settings, *, patient: bool = False) -> None:
        self._settings = settings
        self._patient = patient
        self._prices = load_prices(settings.prices)
        self._replaced = _replaced(settings)
        self._urls: dict[str, str] = {}
        self._made: dict[str, ChatModel] = {}
        self._fallbacks: list[str] = []
        for told in settings.fallback_models:
            spec, *url = _OWN_URL.split(told, maxsplit=1)
            self._fallbacks.append(spec)
            if url:
                self._urls[spec] = url[0]
        for spec in self.names:
            if spec != EXTRACTIVE:
                self._check(spec)

    @property
    def names(self) -> tuple[str, ...]:
        """The configured model, then its fallbacks."""
        return tuple(dict.fromkeys((self._settings.model, *self._fallbacks)))

    @property
    def prompt_version(self) -> str:
        """See :func:`prompt_version_of`."""
        return prompt_version(style=self._settings.prompt_style, template=self._replaced)

    def chain(self, spec: str) -> Chain:
        """Who answers when ``spec`` is asked: the fallbacks follow the configured model, and no other."""
        following = self._fallbacks if spec == self._settings.model else []
        names = list(dict.fromkeys((spec, *following)))
        reader = EXTRACTIVE in names
        if reader:
            names = names[: names.index(EXTRACTIVE)]
        return Chain(tuple(self.model(name) for name in names), reader)

    def _check(self, spec: str) -> None:
        """Make the model now: what cannot be configured is told before the first question, by its setting's name."""
        try:
            self.model(spec)
        except SettingsError as error:
            name = "DATELINE_MODEL" if spec == self._settings.model else "DATELINE_FALLBACK_MODELS"
            raise SettingsError(f"{name}: {error.message}", hint=error.hint) from None

    def model(self, spec: str) -> ChatModel:
        """The model called ``spec``. Raises ``SettingsError`` when it cannot be configured."""
        if spec not in self._made:
            settings = self._settings
            config = self._config(spec)
            breaker = Breaker(failures=settings.breaker_failures, cooldown=settings.breaker_seconds)
            pace = Pace(requests=settings.requests_per_minute, tokens=settings.tokens_per_minute)
            self._made[spec] = ChatModel(config, _backend(config), breaker, pace)
        return self._made[spec]

    def messages(
        self, model: ChatModel, ask: Ask, passages: Sequence[Passage], as_of: date
    ) -> tuple[list[Message], int]:
        """What ``model`` is sent, and how many of ``passages`` (best first) that holds. May load the model to count."""
        return build_messages(
            ask.question,
            passages,
            as_of=as_of,
            today=self._settings.today(),
            history=ask.history,
            style=ask.wishes.style,
            budget=model.budget(),
            template=self.template(model.config),
            count=model.count,
        )

    def template(self, config: ModelConfig) -> Template:
        """What the model is told before the passages."""
        if self._replaced is not None:
            return self._replaced
        style = self._settings.prompt_style
        if style == "auto":
            local = config.provider in (IN_PROCESS, "ollama") or _is_private(config.base_url)
            style = style_for(config.name, local=local)
        return builtin_template(style)

    def _config(self, spec: str) -> ModelConfig:
        settings = self._settings
        url, key = self._urls.get(spec), None
        # The address and key that are set are those of the configured model's provider: no other is given them.
        if url is None and _provider(spec) == _provider(settings.model):
            url = settings.model_base_url
            key = settings.model_api_key.get_secret_value() if settings.model_api_key else None
        return ModelConfig(
            spec=spec,
            base_url=url,
            api_key=key,
            timeout=settings.model_timeout,
            connect_timeout=settings.model_connect_timeout,
            first_timeout=settings.model_first_timeout,
            idle_timeout=settings.model_idle_timeout,
            retries=settings.model_retries,
            temperature=settings.temperature,
            prompt_tokens=settings.prompt_tokens,
            max_output_tokens=settings.max_output_tokens,
            max_reply_chars=settings.max_reply_chars,
            price=self._prices.get(spec),
            patient=self._patient,
        )


def prompt_version_of(settings: Settings) -> str:
    """What of the prompt is part of every batch row's key. Raises ``SettingsError`` for a template that is none."""
    return prompt_version(style=settings.prompt_style, template=_replaced(settings))


def _replaced(settings: Settings) -> Template | None:
    return read_template(settings.prompt_file) if settings.prompt_file else None


def _backend(config: ModelConfig) -> Backend:
    if config.provider == IN_PROCESS:
        from qa.local_model import LocalBackend

        return LocalBackend(config)
    from qa.providers import ProviderBackend

    return ProviderBackend(config)


def _provider(spec: str) -> str:
    provider, colon, _ = spec.partition(":")
    return provider if colon else "openai"


def _is_private(url: str | None) -> bool:
    """Whether ``url`` names this machine or one beside it."""
    host = urlsplit(url).hostname if url else None
    if not host:
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # A bare name is a machine of one's own network, or a container beside this one.
        return "." not in host or host.endswith((".local", ".localhost", ".internal", ".lan"))
    return address.is_private or address.is_loopback
