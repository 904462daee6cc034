"""A service over fakes, called within the process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.unit.api.fakes import FakeEngine, FakeHome, client_of, make_app


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def home() -> FakeHome:
    return FakeHome()


@pytest.fixture
async def client(engine: FakeEngine, home: FakeHome) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(make_app(engine, home)) as client:
        yield client
