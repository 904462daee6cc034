"""What a model's tokens cost, by a price table the user keeps: Dateline knows no prices, which change."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa.errors import SettingsError
from qa.models import Cost, Usage

_PER = 1_000_000
_FIELDS = {"input", "output", "currency"}
_CURRENCY = re.compile(r"[A-Z]{3}")
_EXAMPLE = '{"openai:gpt-5-mini": {"input": 0.25, "output": 2.0, "currency": "USD"}}'
_HINT = f"Prices are per million tokens, by the model's full name: {_EXAMPLE}"


@dataclass(frozen=True, slots=True)
class Price:
    """Per million tokens, in ``currency`` (ISO 4217)."""

    input: float
    output: float
    currency: str = "USD"

    def cost(self, usage: Usage) -> Cost:
        """What ``usage`` costs."""
        amount = (usage.input_tokens * self.input + usage.output_tokens * self.output) / _PER
        return Cost(amount=round(amount, 8), currency=self.currency)


def load_prices(given: str | None) -> Mapping[str, Price]:
    """The price table in ``given``: a JSON object, or the path of a file that holds one; {} for None.

    Raises ``SettingsError`` naming the file, the model and the field at fault.
    """
    if not given:
        return {}
    text, where = given, "DATELINE_PRICES"
    if not given.lstrip().startswith("{"):
        where = f"{where}: {given}"
        try:
            text = Path(given).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{where}: cannot be read: {error}", hint=_HINT) from None
    try:
        table = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{where}: no JSON: {error}", hint=_HINT) from None
    if not isinstance(table, dict):
        raise SettingsError(f"{where}: not a JSON object", hint=_HINT)
    return {model: _price(told, f"{where}: {model}") for model, told in table.items()}


def _price(told: Any, where: str) -> Price:
    if not isinstance(told, dict):
        raise SettingsError(f"{where}: not a JSON object", hint=_HINT)
    if unknown := sorted(set(told) - _FIELDS):
        raise SettingsError(f"{where}: there is no field {unknown[0]!r}", hint=_HINT)
    for name in ("input", "output"):
        amount = told.get(name)
        if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 <= amount < math.inf:
            raise SettingsError(f"{where}: {name} is {amount!r}; it must be a number from 0", hint=_HINT)
    currency = told.get("currency", "USD")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise SettingsError(f"{where}: currency is {currency!r}; it must be three capital letters", hint=_HINT)
    return Price(float(told["input"]), float(told["output"]), currency)
