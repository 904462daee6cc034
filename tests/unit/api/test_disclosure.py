"""What leaves the machine is said, and to whom."""

from __future__ import annotations

from typing import Any

import pytest

from api.disclosure import ASKED, disclosures, told
from qa.settings import Settings
from tests.unit.api.fakes import client_of, make_app


def _to(**settings: Any) -> list[tuple[str, str]]:
    return [(one.to, one.by.removeprefix("DATELINE_")) for one in disclosures(Settings(**settings))]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, []),
        ({"model": "openai:gpt-5-mini"}, [("api.openai.com", "MODEL")]),
        ({"model": "gpt-5-mini"}, [("api.openai.com", "MODEL")]),
        ({"model": "anthropic:claude"}, [("api.anthropic.com", "MODEL")]),
        ({"model": "openai:qwen3", "model_base_url": "http://127.0.0.1:11434/v1"}, []),
        ({"model": "openai:qwen3", "model_base_url": "http://[::1]:11434/v1"}, []),
        ({"model": "openai:qwen3", "model_base_url": "http://gpu.lan:11434/v1"}, [("gpu.lan", "MODEL")]),
        ({"model": "openai:qwen3", "model_base_url": "http://10.0.0.7/v1"}, [("10.0.0.7", "MODEL")]),
        ({"model": "ollama:qwen3"}, []),
        ({"model": "huggingface:/models/q"}, []),
        ({"model": "mistralai:large"}, [("the provider mistralai", "MODEL")]),
        (
            {"fallback_models": ("openai:a", "openai:b@http://localhost:1/v1", "openai:c@https://x.example/v1")},
            [("api.openai.com", "FALLBACK_MODELS"), ("x.example", "FALLBACK_MODELS")],
        ),
        (
            # The base URL is the configured model's provider's, and of no other.
            {
                "model": "openai:q",
                "model_base_url": "http://127.0.0.1:1/v1",
                "fallback_models": ("openai:r", "anthropic:c", "extractive"),
            },
            [("api.anthropic.com", "FALLBACK_MODELS")],
        ),
        ({"chroma_url": "http://127.0.0.1:8001"}, []),
        ({"chroma_url": "https://chroma.example"}, [("chroma.example", "CHROMA_URL")]),
        ({"database_url": "postgresql+psycopg://me:secret@db.example/x"}, [("db.example", "DATABASE_URL")]),
        ({"database_url": "sqlite:////var/x.sqlite"}, []),
        ({"database_url": "postgresql+psycopg:///x?host=/run/postgresql"}, []),
        ({"traces_url": "http://otel.example:4317"}, [("otel.example", "TRACES_URL")]),
    ],
)
def test_who_is_sent_something(settings: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert _to(**settings) == expected


def test_it_is_told_in_sentences_without_secrets() -> None:
    assert told(()) == "Nothing leaves this machine."
    settings = Settings(model="openai:x", database_url="postgresql+psycopg://me:secret@db.example/x")
    said = told(disclosures(settings))
    assert said.startswith(f"Q{ASKED[1:]} go to api.openai.com (DATELINE_MODEL). The articles")
    assert "secret" not in said


async def test_status_says_it() -> None:
    async with client_of(make_app(model="openai:gpt-test")) as client:
        status = (await client.get("/status")).json()
    assert status["leaves_machine"] == [{"what": ASKED, "to": "api.openai.com", "by": "DATELINE_MODEL"}]


async def test_readiness_takes_a_connection_to_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)

    async def ready(**settings: Any) -> tuple[int, str]:
        async with client_of(make_app(**settings)) as client:
            while "starting" in (reply := await client.get("/health/ready")).text:
                pass
        return reply.status_code, reply.json()["checks"]["model"]

    nowhere = {"model": "openai:q", "model_base_url": "http://127.0.0.1:9/v1"}
    assert await ready(**nowhere) == (503, "no connection to 127.0.0.1")
    assert await ready(**nowhere, fallback_models=("extractive",)) == (200, "ok")
