from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import SettingsError
from qa.models import Cost, Usage
from qa.prices import Price, load_prices

TABLE = {"openai:small": {"input": 0.25, "output": 2}, "ollama:x": {"input": 0, "output": 0, "currency": "EUR"}}
READ = {"openai:small": Price(0.25, 2.0), "ollama:x": Price(0.0, 0.0, "EUR")}


def test_no_table_is_an_empty_one() -> None:
    assert load_prices(None) == {}
    assert load_prices("") == {}


def test_a_table_is_given_itself_or_as_a_file(tmp_path: Path) -> None:
    assert load_prices(json.dumps(TABLE)) == READ
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(TABLE, indent=2))
    assert load_prices(str(path)) == READ


def test_cost_is_per_million_tokens() -> None:
    used = Usage(input_tokens=3_000_000, output_tokens=500_000)
    assert Price(0.25, 2.0).cost(used) == Cost(amount=1.75, currency="USD")
    assert Price(0.25, 2.0, "EUR").cost(Usage()) == Cost(amount=0.0, currency="EUR")
    assert Price(0.25, 2.0).cost(Usage(input_tokens=1)).amount == 0.00000025


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.floats(0, 1000), st.floats(0, 1000))
def test_more_tokens_never_cost_less(one: int, other: int, into: float, out: float) -> None:
    price = Price(into, out)
    less, more = sorted((one, other))
    assert price.cost(Usage(input_tokens=less)).amount <= price.cost(Usage(input_tokens=more)).amount
    assert price.cost(Usage(output_tokens=less)).amount <= price.cost(Usage(output_tokens=more)).amount


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ('{"m": ', "no JSON"),
        ('{"m": 3}', "m: not a JSON object"),
        ('{"m": {"input": 1}}', "m: output is None"),
        ('{"m": {"input": -1, "output": 1}}', "m: input is -1"),
        ('{"m": {"input": true, "output": 1}}', "m: input is True"),
        ('{"m": {"input": NaN, "output": 1}}', "m: input is nan"),
        ('{"m": {"input": 1, "output": "2"}}', "m: output is '2'"),
        ('{"m": {"input": 1, "output": 1, "cached": 1}}', "no field 'cached'"),
        ('{"m": {"input": 1, "output": 1, "currency": "dollars"}}', "currency is 'dollars'"),
        ("/no/such/file.json", "/no/such/file.json: cannot be read"),
    ],
)
def test_a_table_that_is_none_is_refused_by_model_and_field(table: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match="DATELINE_PRICES: ") as caught:
        load_prices(table)
    assert complaint in str(caught.value)


def test_a_file_without_an_object_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text("[]")
    with pytest.raises(SettingsError, match=r"prices\.json: not a JSON object"):
        load_prices(str(path))
