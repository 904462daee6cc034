"""Which version is the newer."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.library.validity import in_order, precedes

DAY = date(2023, 4, 1)


def version(number: int, published: date | None, published_at: str | None = None) -> Any:
    ingested = datetime(2024, 1, 1) + timedelta(days=number)  # noqa: DTZ001 - in UTC, as the catalogue has it
    return SimpleNamespace(number=number, published=published, published_at=published_at, ingested_at=ingested)


@pytest.mark.parametrize(
    ("one", "other", "before"),
    [
        ("2023-04-01T10:00", "2023-04-01T10:01", True),
        ("2023-04-01T10:01", "2023-04-01T10:00", False),
        ("2023-04-01T10:00", "2023-04-01T10:00", False),
        ("2023-04-01T11:00+02:00", "2023-04-01T10:00Z", True),
        ("2023-04-01T10:00", "2023-04-01T11:00Z", False),
        ("2023-04-01T10:00", None, False),
        (None, "2023-04-01T10:00", False),
        ("noon", "2023-04-01T10:00", False),
    ],
)
def test_an_instant_is_before_another_only_when_that_is_known(one: str | None, other: str | None, before: bool) -> None:
    assert precedes(one, other) is before


def test_days_decide_then_instants_then_who_came_first() -> None:
    late, early, none = "2023-04-01T12:00Z", "2023-04-01T10:00Z", None
    assert [v.number for v in in_order([version(1, DAY, late), version(2, DAY, early)])] == [2, 1]
    assert [v.number for v in in_order([version(1, DAY, late), version(2, DAY, none)])] == [1, 2]
    assert [v.number for v in in_order([version(1, DAY, late), version(2, DAY - timedelta(days=1))])] == [2, 1]
    assert [v.number for v in in_order([version(1, None), version(2, None), version(3, DAY)])] == [1, 3, 2]
    assert in_order([]) == []


@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.dates(DAY, DAY + timedelta(days=2))),
            st.sampled_from([None, "10:00Z", "12:00+05:00", "11:00"]),
        ),
        max_size=6,
    ),
    st.randoms(),
)
def test_the_order_is_of_the_versions_not_of_the_rows(told: list[tuple[date | None, str | None]], dice: Any) -> None:
    versions = [
        version(number, day, f"{day}T{time}" if day and time else None)
        for number, (day, time) in enumerate(told, start=1)
    ]
    shuffled = list(versions)
    dice.shuffle(shuffled)
    assert in_order(shuffled) == in_order(versions)
    assert sorted(one.number for one in in_order(versions)) == [one.number for one in versions]
    days = [one.published for one in in_order(versions) if one.published]
    assert days == sorted(days)
