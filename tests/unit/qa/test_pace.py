"""Leave to ask: limits a minute, and one pause for all; and what is tried again, by the patient and by others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

import pytest

from qa.errors import DatelineError, ModelAuthError, ModelRateLimitError, ModelTimeoutError, UsageError
from qa.pace import Pace, Patience, Tries


class Clock:
    """A clock that goes on while somebody sleeps, and only then."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds:
            clock.slept.append(seconds)
            clock.now += seconds
        await real(0)

    monkeypatch.setattr("qa.pace.asyncio.sleep", sleep)
    monkeypatch.setattr("tenacity.asyncio._portable_async_sleep", sleep)
    monkeypatch.setattr("qa.pace.random.uniform", lambda low, high: low)
    return clock


async def test_without_limits_nobody_waits(clock: Clock) -> None:
    pace = Pace(clock=clock)
    for _ in range(1000):
        assert await pace.admit() == 0.0
    assert clock.slept == []


@pytest.mark.parametrize(("per_minute", "asked", "least"), [(1200, 40, 0.9), (600, 14, 0.35), (300, 7, 0.35)])
async def test_requests_are_spread_over_the_minute(per_minute: int, asked: int, least: float) -> None:
    pace, begun = Pace(requests=per_minute), monotonic()
    await asyncio.gather(*(pace.admit() for _ in range(asked)))
    # What goes beyond a second's worth comes at the rate that was set.
    assert least <= monotonic() - begun < least + 2


async def test_tokens_are_spread_over_the_minute_and_what_was_misjudged_is_made_good() -> None:
    pace, begun = Pace(tokens=60_000), monotonic()
    expected = await pace.admit(500)
    assert expected == 500
    assert monotonic() - begun < 0.3
    pace.settle(expected, 900, output=400)
    # 400 more than thought, and as long a reply is expected now: 500 + 400 + 400, of which 500 are left of the first
    # second's thousand.
    assert await pace.admit(100) == 500
    assert monotonic() - begun >= 0.25


async def test_a_request_larger_than_the_limit_passes_alone() -> None:
    assert await Pace(tokens=100).admit(5000) == 5000


async def test_a_refusal_of_one_holds_back_all(clock: Clock) -> None:
    pace = Pace(clock=clock)
    pace.hold(7.0)
    assert pace.remaining == 7.0
    await pace.admit()
    assert sum(clock.slept) == 7.0
    await pace.admit()
    assert sum(clock.slept) == 7.0
    assert pace.limited_for == 7.0
    pace.succeeded()
    assert pace.limited_for == 0.0


def test_a_longer_pause_wins_and_a_shorter_one_takes_nothing_back(clock: Clock) -> None:
    pace = Pace(clock=clock)
    pace.hold(5.0)
    pace.hold(2.0)
    assert pace.remaining == 5.0
    pace.hold(9.0)
    assert pace.remaining == 9.0


def test_without_retry_after_pauses_double_with_every_refusal_after_one(clock: Clock) -> None:
    pace, pauses = Pace(clock=clock), []
    for _ in range(9):
        pace.hold(None)
        # Asked before the pause began: they say nothing new.
        pace.hold(None)
        pauses.append(pace.remaining)
        clock.now += pace.remaining
    assert pauses == [0.75 * seconds for seconds in (1, 2, 4, 8, 16, 32, 60, 60, 60)]
    pace.succeeded()
    pace.hold(None)
    assert pace.remaining == 0.75


def limited(after: float | None = None, *, passing: bool = True) -> ModelRateLimitError:
    error = ModelRateLimitError("429", retry_after=after)
    error.retryable = passing
    return error


async def trying(
    patience: Patience, pace: Pace, failures: list[DatelineError], begun: Callable[[], bool] = lambda: False
) -> int:
    """How many tries it took; raises the last failure when it was given up."""
    made = 0
    tries = Tries(patience, pace, "m", begun)
    async for attempt in tries.attempts():
        with attempt:
            async with tries.admitted():
                made += 1
                if failures:
                    raise failures.pop(0)
    return made


async def test_the_patient_wait_out_every_refusal(clock: Clock) -> None:
    pace = Pace(clock=clock)
    failures: list[DatelineError] = [limited(20) for _ in range(12)]
    assert await trying(Patience(60, retries=0, patient=True), pace, failures) == 13
    assert sum(clock.slept) == pytest.approx(240)


async def test_the_patient_try_twice_as_often_after_other_failures(clock: Clock) -> None:
    late: list[DatelineError] = [ModelTimeoutError("late") for _ in range(4)]
    mixed: list[DatelineError] = [limited(1), *late, limited(1)]
    assert await trying(Patience(60, retries=2, patient=True), Pace(clock=clock), mixed) == 7
    late = [ModelTimeoutError("late") for _ in range(5)]
    with pytest.raises(ModelTimeoutError):
        await trying(Patience(60, retries=2, patient=True), Pace(clock=clock), late)


@pytest.mark.parametrize("after", [601.0, 86_400.0])
async def test_nobody_is_so_patient_as_to_wait_for_hours(clock: Clock, after: float) -> None:
    with pytest.raises(ModelRateLimitError):
        await trying(Patience(60, retries=2, patient=True), Pace(clock=clock), [limited(after)])
    assert clock.slept == []


async def test_patience_ends_when_nothing_succeeds_for_ten_minutes(clock: Clock) -> None:
    with pytest.raises(ModelRateLimitError):
        await trying(Patience(60, retries=2, patient=True), Pace(clock=clock), [limited(59) for _ in range(99)])
    assert 590 < sum(clock.slept) <= 660


@pytest.mark.parametrize("error", [limited(passing=False), ModelAuthError("no"), UsageError("no")])
async def test_what_waiting_does_not_mend_is_raised_at_once(clock: Clock, error: DatelineError) -> None:
    pace = Pace(clock=clock)
    with pytest.raises(type(error)):
        await trying(Patience(60, retries=5, patient=True), pace, [error])
    assert (clock.slept, pace.remaining) == ([], 0.0)


async def test_others_wait_no_longer_than_their_time(clock: Clock) -> None:
    pace = Pace(clock=clock)
    with pytest.raises(ModelRateLimitError, match="429"):
        await trying(Patience(60, retries=2), pace, [limited(3600)])
    # And whoever asks next is told at once, without a request.
    with pytest.raises(ModelRateLimitError, match="is not asked now") as raised:
        await trying(Patience(60, retries=2), pace, [])
    assert raised.value.retry_after == pytest.approx(3600)
    assert clock.slept == []


async def test_leave_that_comes_too_late_is_a_refusal_that_names_the_settings() -> None:
    pace = Pace(requests=1)
    await trying(Patience(60, retries=0), pace, [])
    with pytest.raises(ModelRateLimitError, match="is not asked now") as raised:
        await trying(Patience(0.05, retries=0), pace, [])
    assert "DATELINE_REQUESTS_PER_MINUTE" in raised.value.hint


async def test_once_something_came_of_it_nothing_is_tried_again(clock: Clock) -> None:
    with pytest.raises(ModelTimeoutError):
        await trying(Patience(60, 5, patient=True), Pace(clock=clock), [ModelTimeoutError("x")], begun=lambda: True)
