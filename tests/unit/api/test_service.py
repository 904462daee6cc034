"""What holds for every route: ids, headers, limits, logs, the start and the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api.security import is_loopback
from qa.errors import ModelMissingError, ModelTimeoutError
from tests.fakes import FakeEmbedder
from tests.unit.api.fakes import FakeEngine, FakeHome, client_of, make_app

QUESTION = {"question": "Who robbed the bank?"}


@pytest.mark.parametrize("given", ["abc-1._X", "a" * 64])
async def test_a_sane_request_id_comes_back(client: httpx.AsyncClient, given: str) -> None:
    reply = await client.get("/nothing", headers={"X-Request-ID": given})
    assert reply.headers["x-request-id"] == given
    assert reply.json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "<script>", "a\tb"])
async def test_any_other_request_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    ids = {(await client.get("/health/live", headers={"X-Request-ID": given})).headers["x-request-id"] for _ in "12"}
    assert len(ids) == 2
    assert given not in ids


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "unknown_path"),
        ("GET", "/chat/", 404, "unknown_path"),
        ("GET", "/v1nothing", 404, "unknown_path"),
        ("DELETE", "/chat", 405, "method_not_allowed"),
    ],
)
async def test_unknown_paths_and_methods_are_problems(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    reply = await client.request(method, path)
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    problem = reply.json()
    assert (problem["type"], problem["status"], problem["code"]) == ("about:blank", status, code)
    assert path in problem["detail"]
    if status == 405:
        assert reply.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "said"),
    [(b'{"question": "\xff"}', "The body is not JSON: it is not UTF-8."), (b"[" * 50_000, "nested too deeply")],
    ids=["not UTF-8", "nested"],
)
@pytest.mark.parametrize("path", ["/chat", "/v1/chat/completions"])
async def test_a_body_that_cannot_be_decoded_is_no_json(
    client: httpx.AsyncClient, path: str, body: bytes, said: str
) -> None:
    reply = await client.post(path, content=body, headers={"Content-Type": "application/json"})
    told = reply.json().get("error", reply.json())
    assert (reply.status_code, told["code"]) == (400, "invalid_json")
    assert said in told.get("detail", told.get("message"))


async def test_all_that_may_be_done_with_a_path_is_named(client: httpx.AsyncClient) -> None:
    reply = await client.request("PATCH", "/articles/flood")
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, DELETE")


@pytest.mark.parametrize("path", ["/health/live", "/nothing", "/v1/models", "/docs", "/status"])
async def test_every_response_bears_the_security_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path, headers={"Origin": "https://evil.example"})).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-security-policy"].startswith("default-src 'none'; ")
    assert not [name for name in headers if name.startswith("access-control")]


async def test_a_fault_of_ours_is_a_500_and_tells_nothing(engine: FakeEngine, caplog: pytest.LogCaptureFixture) -> None:
    engine.scripts.append([ZeroDivisionError("secret detail")])
    async with client_of(make_app(engine)) as client:
        reply = await client.post("/chat", json=QUESTION, headers={"X-Request-ID": "r-500"})
    assert (reply.status_code, reply.headers["content-type"]) == (500, "application/problem+json")
    assert (reply.json()["code"], reply.headers["x-frame-options"]) == ("internal", "DENY")
    assert "secret" not in reply.text
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "r-500 POST /chat" in record.getMessage()
    assert record.exc_info


async def test_no_question_gets_into_the_log(engine: FakeEngine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    engine.scripts.append([ModelTimeoutError("no reply within 60 s")])
    async with client_of(make_app(engine)) as client:
        await client.post("/chat", json=QUESTION)
        await client.get("/search", params={"q": "Who robbed the bank?"})
        await client.post("/chat", json={**QUESTION, "x": "bank"})
        await client.get("/nothing%0Afaked line")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("dateline")]
    assert [line for line in lines if "model_timeout" in line]
    assert [line for line in lines if "GET /search 200" in line]
    assert not [line for line in lines if "bank" in line or "\n" in line]


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize("path", ["/chat", "/v1/chat/completions", "/nothing"])
async def test_a_body_that_says_it_is_too_large_is_refused(path: str) -> None:
    async with client_of(make_app(max_body_bytes=1024)) as client:
        reply = await client.post(path, content=b" " * 1025, headers={"Content-Type": "application/json"})
    assert (reply.status_code, reply.headers["connection"]) == (413, "close")
    body = reply.json()
    assert (body["error"] if path.startswith("/v1") else body)["code"] == "body_too_large"


@pytest.mark.parametrize("path", ["/chat", "/v1/chat/completions"])
async def test_a_body_that_turns_out_too_large_is_refused(path: str) -> None:
    async with client_of(make_app(max_body_bytes=1024)) as client:
        content = _pieces(*[b" " * 100] * 1000)
        reply = await client.post(path, content=content, headers={"Content-Type": "application/json"})
    assert reply.status_code == 413
    assert "1,024 bytes" in reply.text


async def test_a_body_of_just_the_limit_is_read() -> None:
    content = b'{"question": "%s"}' % (b"x" * (1024 - 16))
    assert len(content) == 1024
    async with client_of(make_app(max_body_bytes=1024)) as client:
        reply = await client.post("/chat", content=content, headers={"Content-Type": "application/json"})
    assert reply.status_code == 200


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.2:8000", "localhost:80", "LOCALHOST", "a.localhost", "[::1]:8000"]
)
async def test_loopback_names_are_answered(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/health/live", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "192.168.0.1", "localhost.evil.example", ""])
async def test_other_names_are_not_answered_on_loopback(client: httpx.AsyncClient, host: str) -> None:
    reply = await client.get("/status", headers={"Host": host})
    assert (reply.status_code, reply.json()["code"]) == (421, "misdirected")


async def test_other_names_are_answered_elsewhere() -> None:
    async with client_of(make_app(host="0.0.0.0")) as client:
        assert (await client.get("/health/live", headers={"Host": "news.example"})).status_code == 200


def test_loopback_addresses() -> None:
    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "localhost."]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "10.0.0.1", "example.org", "", "127.0.0.1.example.org"]))


class _SlowEmbedder(FakeEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def embed(self, *args: Any, **options: Any) -> Any:
        self.go.wait(5)
        return super().embed(*args, **options)


async def test_the_service_is_ready_once_the_embedding_model_is_loaded() -> None:
    home = FakeHome()
    home.embedder = embedder = _SlowEmbedder()
    async with client_of(make_app(home=home)) as client:
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["checks"]["embedding_model"]) == (503, "starting")
        assert (await client.get("/health/live")).status_code == 200
        embedder.go.set()
        while ready.status_code != 200:
            ready = await client.get("/health/ready")


async def test_a_model_that_cannot_be_loaded_is_told(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeEmbedder):
        def embed(self, *args: Any, **options: Any) -> Any:
            raise ModelMissingError("the weights are damaged")

    home = FakeHome()
    home.embedder = Broken()
    async with client_of(make_app(home=home)) as client:
        while "starting" in (ready := await client.get("/health/ready")).text:
            pass
    assert (ready.status_code, ready.json()["checks"]["embedding_model"]) == (503, "the weights are damaged")
    assert "the weights are damaged" in caplog.text


async def test_what_else_retrieval_needs_is_told_too() -> None:
    engine = FakeEngine()
    engine.warm_error = ModelMissingError("DATELINE_RERANKER=x cannot be loaded")
    async with client_of(make_app(engine)) as client:
        while "starting" in (ready := await client.get("/health/ready")).text:
            pass
    assert (ready.status_code, "DATELINE_RERANKER" in ready.text) == (503, True)


async def test_a_home_that_was_given_is_left_open() -> None:
    home = FakeHome()
    async with client_of(make_app(home=home)):
        pass
    assert not home.closed


async def test_the_documentation_lists_every_route_and_error(client: httpx.AsyncClient) -> None:
    assert "/web/reference.js" in (await client.get("/docs")).text
    document = (await client.get("/openapi.json")).json()
    assert set(document["paths"]) == {
        *("/chat", "/search", "/articles", "/articles/{article_id}", "/status", "/health/live", "/health/ready"),
        *("/v1/chat/completions", "/v1/models", "/v1/models/{model_id}", "/sessions/{session_id}"),
        *("/jobs/{job_id}", "/jobs/{job_id}/events", "/metrics"),
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status.startswith("2"):
                    continue
                (media_type,) = response["content"]
                assert media_type == ("application/json" if path.startswith("/v1") else "application/problem+json")
    assert "HTTPValidationError" not in document["components"]["schemas"]
    answers = document["paths"]["/chat"]["post"]["responses"]["200"]["content"]
    assert set(answers) == {"application/json", "text/event-stream"}
    assert answers["application/json"]["schema"]["$ref"].endswith("/Answer")


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("GET", "/articles/a%00b", None, 404),
        ("DELETE", "/articles/%00", None, 404),
        ("GET", "/jobs/%00", None, 404),
        ("GET", "/v1/models/%00", None, 404),
        ("GET", "/articles?q=a%00b", None, 422),
        ("GET", "/articles?cursor=2025-01-01~%00", None, 422),
        ("GET", "/search?q=flood&source=%00", None, 422),
        ("POST", "/chat", {"question": "a\0b"}, 422),
        ("POST", "/chat", {"question": "a", "history": [{"role": "user", "content": "\0"}]}, 422),
        ("POST", "/chat", {"question": "a", "sources": ["\0"]}, 422),
        ("POST", "/v1/chat/completions", {"messages": [{"role": "user", "content": "a\0b"}]}, 400),
    ],
)
async def test_nul_goes_nowhere(client: httpx.AsyncClient, method: str, target: str, body: Any, status: int) -> None:
    # PostgreSQL takes no text with one, and would answer for it with an error of its own.
    reply = await client.request(method, target, json=body)
    assert reply.status_code == status, reply.text
    assert "\0" not in reply.text


async def test_a_percent_sign_before_two_zeros_is_none(client: httpx.AsyncClient) -> None:
    assert (await client.get("/search?q=%2500")).status_code == 200
