"""Another embedding model, end to end: a real one of another dimension, on the command line."""

from __future__ import annotations

import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from qa.library.encoders import MEASURED
from tests.e2e.test_cli import dateline, started, until
from tests.integration.tiny_model import save_tiny_model

COUNT = 600


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that reads 30 tokens, four of them its own and its prompt's."""
    return str(save_tiny_model(tmp_path_factory.mktemp("model"), max_tokens=30, prompts={"document": "passage: "}))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with many short articles, and a long one."""
    home, news = tmp_path / "home", tmp_path / "news.jsonl"
    short = [f"Ferry {n} of the line to Kelmouth was cancelled because of the storm." for n in range(COUNT - 1)]
    texts = [*short, " ".join(f"The mayor told councillor {n} that the new bridge would be late." for n in range(30))]
    news.write_text(
        "".join(
            json.dumps({"id": f"a{n}", "text": text, "published": "2025-06-01"}) + "\n" for n, text in enumerate(texts)
        )
    )
    ran = dateline("ingest", news, "--home", home)
    assert ran.code == 0, ran.err
    return home


def facts(home: Path) -> dict[str, str]:
    with closing(sqlite3.connect(home / "catalogue.sqlite")) as raw:
        return dict(raw.execute("select name, value from facts"))


@pytest.mark.slow
def test_a_collection_changes_over_to_another_model_and_back(home: Path, other: str) -> None:
    new = {"DATELINE_EMBEDDING_MODEL": other}
    question = ("ask", "Who was told that the bridge would be late?", "--home", home, "--json")
    status = ("status", "--check", "--home", home, "--json")
    reembed = ("ingest", "--reembed", "--home", home)

    ran = dateline(*question, **new)
    assert ran.code == 4
    assert f"holds vectors of all-MiniLM-L6-v2; DATELINE_EMBEDDING_MODEL is {other}" in ran.err
    assert "`dateline ingest --reembed`" in ran.err
    before = dateline(*status).document
    assert before["reembedding"] is None
    assert before["embedding_backend"] in MEASURED

    with started(*reembed, **new) as process:
        until(lambda: "reembedding" in facts(home))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    half_done = dateline(*status, **new).document
    assert half_done["embedding_model"] == "all-MiniLM-L6-v2"
    assert half_done["reembedding"]["model"] == other
    assert half_done["reembedding"]["done"] < half_done["reembedding"]["of"]
    assert half_done["check"]["problems"] == []
    assert f"re-embedding: with {other}: " in dateline("status", "--home", home).out
    assert not dateline(*question).document["abstained"]
    ran = dateline(*question, **new)
    assert ran.code == 4
    assert f"is being re-embedded with {other}" in ran.err
    ran = dateline(*reembed)
    assert ran.code == 4
    assert "--discard" in ran.err

    # Meanwhile one comes and one goes.
    late = home.parent / "late.txt"
    late.write_text("date 2025-06-02 A late ferry reached Kelmouth after all.")
    assert dateline("ingest", late, "--home", home).code == 0
    assert dateline("articles", "delete", "a1", "--home", home, **new).code == 0

    ran = dateline(*reembed, "--json", **new)
    assert ran.code == 0
    done = ran.document["reembedded"]
    assert (done["changed"], done["model"], done["model_before"]) == (True, other, "all-MiniLM-L6-v2")
    assert done["backend"] == "torch float32"
    # The long one does not fit into as few passages.
    assert done["recut"] == 1
    after = dateline(*status, **new).document
    assert (after["chunks"], after["embedded"]) == (done["chunks"], done["chunks"])
    assert after["chunks"] > before["chunks"] + 5
    assert (after["embedding_model"], after["embedding_backend"], after["reembedding"]) == (
        other,
        "torch float32",
        None,
    )
    assert after["check"]["problems"] == []
    answer = dateline(*question, **new).document
    assert answer["citations"]
    for citation in answer["citations"]:
        cited = dateline("articles", "show", citation["article_id"], "--json", "--home", home).document
        assert cited["text"][citation["start"] : citation["end"]] == citation["quote"]

    ran = dateline(*reembed, **new)
    assert ran.code == 0
    assert ran.out.startswith(f"Nothing to re-embed: the vectors are of {other} by torch float32")
    ran = dateline(*question)
    assert ran.code == 4
    assert "DATELINE_EMBEDDING_MODEL is all-MiniLM-L6-v2" in ran.err
    ran = dateline(*reembed)
    assert ran.out.startswith(f"Re-embedded: {before['chunks']} passages with all-MiniLM-L6-v2 by ")
    assert not dateline(*question).document["abstained"]
    assert dateline(*status).document["check"]["problems"] == []
    assert len(list(home.glob("chroma*"))) == 1
