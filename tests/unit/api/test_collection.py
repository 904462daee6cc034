from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest

from qa.errors import HomeInUseError, StoreError, StoreUnreachableError
from qa.models import Ask
from tests.unit.api.fakes import PASSAGE, FakeEngine, FakeHome


async def test_search_finds_passages(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    query = {"q": "flood", "k": "2", "as_of": "2025-04-01", "from": "2025-03-01", "to": "2025-03-31"}
    reply = await client.get("/search", params=[*query.items(), ("source", "Courier"), ("source", "Coastwire")])
    passage = PASSAGE.to_json() | {"highlights": [{"start": 4, "end": 9}], "explain": None}
    assert reply.json() == {
        "query": "flood",
        "as_of": "2025-04-01",
        "date_range": {"from": "2025-03-01", "to": None, "reason": ""},
        "weighting": None,
        "results": [passage, passage],
        "facets": {"articles": 3, "by_source": {"Courier": 2, "": 1}, "by_month": {"2025-03": 3}},
        "warnings": ["note"],
    }
    assert engine.asks == [
        Ask(
            "flood",
            as_of=date(2025, 4, 1),
            start=date(2025, 3, 1),
            end=date(2025, 3, 31),
            sources=("Courier", "Coastwire"),
        )
    ]


async def test_search_explains_its_scores(client: httpx.AsyncClient) -> None:
    reply = await client.get("/search", params={"q": "flood", "explain": "true", "k": "1"})
    assert reply.json()["results"][0]["explain"] == {
        "dense_rank": 1,
        "lexical_rank": None,
        "similarity": 0.5,
        "fused": 0.02,
        "age_days": 8,
        "age_weight": 0.8,
        "reranked": None,
        "rerank_score": None,
    }


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("", "validation", "q"),
        ("q=flood&k=0", "validation", "k"),
        ("q=flood&asof=2025-04-01", "validation", "asof"),
        ("q=flood&as_of=1743465600", "validation", "as_of"),
        ("q=+", "question", None),
        ("q=flood&from=2025-04-02&to=2025-04-01", "filter", None),
    ],
)
async def test_search_refuses_what_it_cannot_use(
    client: httpx.AsyncClient, query: str, code: str, field: str | None
) -> None:
    reply = await client.get(f"/search?{query}")
    assert (reply.status_code, reply.json()["code"]) == (422, code)
    if field:
        assert [error["field"] for error in reply.json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("error", "status"), [(StoreError("broken"), 500), (StoreUnreachableError("no answer"), 503), (KeyError("x"), 500)]
)
async def test_search_tells_of_broken_stores(
    client: httpx.AsyncClient, engine: FakeEngine, error: Exception, status: int
) -> None:
    engine.search_error = error
    reply = await client.get("/search", params={"q": "flood"})
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    assert "Traceback" not in reply.text
    assert "KeyError" not in reply.text


async def test_articles_are_listed_without_their_texts(client: httpx.AsyncClient, home: FakeHome) -> None:
    query = {"q": "flood", "from": "2025-03-01", "to": "2025-03-31", "source": "Courier", "cursor": "c", "limit": "5"}
    listing = (await client.get("/articles", params=query)).json()
    assert listing["next_cursor"] == "2025-03-24~flood"
    assert listing["articles"][0] == {
        "id": "flood",
        "title": "Four dead",
        "url": None,
        "source": "Courier",
        "authors": [],
        "published": "2025-03-24",
        "published_from": "header",
        "published_at": "2025-03-24T17:30:00+01:00",
        "language": "en",
        "version": 1,
        "chunks": 2,
        "ingested_at": "2025-04-01T12:00:00Z",
    }
    expected: dict[str, Any] = {"start": date(2025, 3, 1), "end": date(2025, 3, 31)}
    expected |= {"sources": ["Courier"], "query": "flood", "cursor": "c", "limit": 5}
    assert home.catalog.calls == [expected]


async def test_a_range_that_is_empty_is_refused(client: httpx.AsyncClient) -> None:
    reply = await client.get("/articles?from=2025-04-02&to=2025-04-01")
    assert (reply.status_code, reply.json()["code"]) == (422, "filter")


async def test_an_article_is_shown_whole(client: httpx.AsyncClient, home: FakeHome) -> None:
    article = (await client.get("/articles/flood", params={"as_of": "2025-04-01"})).json()
    assert article["text"].startswith("The flood killed")
    assert article["versions"] == [
        {
            "number": 1,
            "text_hash": "h1",
            "published": "2025-03-24",
            "valid_from": "2025-03-24",
            "valid_to": None,
            "ingested_at": "2025-04-01T12:00:00Z",
        }
    ]
    assert home.catalog.calls == [{"article_id": "flood", "as_of": date(2025, 4, 1)}]


@pytest.mark.parametrize("path", ["/articles/desk/7", "/articles/desk%2F7"])
async def test_an_id_may_hold_a_slash(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).json()["id"] == "desk/7"


async def test_a_deleted_article_is_gone(client: httpx.AsyncClient) -> None:
    reply = await client.delete("/articles/flood")
    assert (reply.status_code, reply.content) == (204, b"")
    for method in ("GET", "DELETE"):
        again = await client.request(method, "/articles/flood")
        assert (again.status_code, again.json()["code"]) == (404, "not_found")


async def test_status_counts(client: httpx.AsyncClient) -> None:
    status = (await client.get("/status")).json()
    assert (status["articles"], status["by_source"], status["by_month"]) == (2, {"": 1, "Courier": 1}, {"2025-03": 1})
    assert status["by_language"] == {"": 1, "en": 1}
    assert status["leaves_machine"] == []
    assert (status["model"], status["revision"], status["first"]) == ("openai:gpt-test", 7, "2025-03-24")


async def test_health(client: httpx.AsyncClient, home: FakeHome) -> None:
    assert (await client.get("/health/live")).json()["status"] == "ok"
    for _ in range(1000):
        ready = await client.get("/health/ready")
        if ready.status_code == 200:
            break
    assert ready.json() == {
        "status": "ok",
        "checks": dict.fromkeys(("catalog", "store", "embedding_model", "model"), "ok"),
    }
    home.catalog.error = HomeInUseError("the catalogue is locked")
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.headers["content-type"]) == (503, "application/problem+json")
    assert (ready.json()["code"], ready.json()["checks"]["catalog"]) == ("not_ready", "the catalogue is locked")
    home.catalog.error, home.store.error = None, StoreUnreachableError("Chroma does not answer")
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["checks"]["store"]) == (503, "Chroma does not answer")
