"""What a batch may take: counted over all of its runs, and held without asking one question too many."""

from __future__ import annotations

from typing import Any

import pytest

from qa.budget import Budget, Spent


def answer(tokens: int, amount: float | None = None, currency: str = "USD") -> dict[str, Any]:
    cost = None if amount is None else {"amount": amount, "currency": currency}
    return {"usage": {"input_tokens": tokens - 1, "output_tokens": 1, "cost": cost}}


def spent(*answers: dict[str, Any]) -> Spent:
    found = Spent()
    for one in answers:
        found.add(one)
    return found


def test_tokens_and_money_are_counted_by_currency() -> None:
    found = spent(answer(10, 0.5), answer(20, 0.25), answer(5, 2.0, "EUR"), answer(7))
    assert (found.answers, found.tokens, found.costs, found.unpriced) == (4, 42, {"USD": 0.75, "EUR": 2.0}, 1)
    assert found.cost == 2.0


@pytest.mark.parametrize("nothing", [None, {}, {"usage": None}, {"usage": {"input_tokens": 0, "output_tokens": 0}}])
def test_what_took_nothing_counts_nothing(nothing: dict[str, Any] | None) -> None:
    found = Spent()
    found.add(nothing)
    assert found == Spent()


def test_without_a_limit_everything_is_allowed() -> None:
    assert Budget().allows(spent(answer(10**9, 1e6)), in_flight=10**6)


@pytest.mark.parametrize(("in_flight", "allowed"), [(0, True), (1, True), (2, False), (3, False)])
def test_those_in_flight_are_thought_to_take_what_the_others_did(in_flight: int, allowed: bool) -> None:
    found = spent(answer(100, 1.0), answer(100, 1.0))
    assert Budget(max_tokens=400).allows(found, in_flight) is allowed
    assert Budget(max_cost=4.0).allows(found, in_flight) is allowed


def test_a_budget_of_nothing_allows_nothing() -> None:
    assert not Budget(max_tokens=0).allows(Spent(), 0)
    assert not Budget(max_cost=0.0).allows(Spent(), 0)


def test_money_that_cannot_be_counted_is_not_spent() -> None:
    found = spent(answer(10))
    assert Budget(max_tokens=100).allows(found, 0)
    assert not Budget(max_cost=100.0).allows(found, 0)
    assert "is not known" in Budget(max_cost=100.0).told(found)


def test_why_no_more_is_asked_is_told_in_figures() -> None:
    found = spent(answer(1500, 0.75))
    told = Budget(max_cost=0.5, max_tokens=1000).told(found)
    assert told == "the budget is used up (0.7500 of 0.5 USD, 1,500 of 1,000 tokens)"
