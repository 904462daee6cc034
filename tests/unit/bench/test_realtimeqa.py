"""The benches' data as built from weekly files, and what counts as a fall of the sample's scores."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench.realtimeqa import build
from tests.bench.smoke import METRICS, RECORDED, fallen

LONG = "The council of Brannick met on Friday and spoke of many things. " * 4


def found(url: str, day: str, text: str = "", **told: Any) -> dict[str, Any]:
    return {"url": url, "title": "T", "text": LONG + text, "authors": [], "publish_date": day} | told


def week(folder: Path, name: str, *lines: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")


def asked(number: str, day: str, answer: str = "1") -> dict[str, Any]:
    return {
        "question_id": number, "question_date": day, "question_sentence": "Who won?",
        "choices": ["Kestle", "The Ferrant"], "answer": [answer],
    }  # fmt: skip


def test_a_quarter_is_built_from_its_weeks(tmp_path: Path) -> None:
    past = tmp_path / "clone" / "past" / "2024"
    week(past, "20240112_qa.jsonl", asked("20240112_0", "2024/01/12"), asked("20240112_1", "2024/01/11", "0"))
    week(past, "20240112_qa_nota.jsonl", asked("nota", "2024/01/12"))
    week(past, "20240405_qa.jsonl", asked("next", "2024/04/05"))
    results = [
        found("https://www.b.test/old", "2023/12/12", "It was FERRANT, they said."),
        found("https://a.test/new", "2024/01/14", "Ferrant won."),
        found("https://a.test/new", "2024/01/10", "The same address again."),
        found("https://a.test/month", "2023/12/13", "Ferrant's win."),
        found("https://a.test/undated", ""),
        found("https://a.test/wrong", "2024/13/40"),
        found("https://a.test/later", "2024/02/01", "Ferrant"),
        found("https://a.test/short", "2024/01/10", text="") | {"text": "Ferrant."},
    ]
    week(
        past,
        "20240112_gcs.jsonl",
        {"question_id": "20240112_0", "search_time": "2024/01/15/03:19", "search_result": results},
    )
    week(
        past, "20240405_gcs.jsonl", {"question_id": "next", "search_result": [found("https://c.test/x", "2024/04/01")]}
    )

    assert build(tmp_path / "clone", tmp_path / "data", "2024q1") == (3, 2)
    folder = tmp_path / "data" / "realtimeqa-2024q1"
    with gzip.open(folder / "articles.jsonl.gz", "rt", encoding="utf-8") as file:
        articles = [json.loads(line) for line in file]
    assert [(one["url"], one["published"], one["source"]) for one in articles] == [
        ("https://a.test/month", "2023-12-13", "a.test"),
        ("https://a.test/new", "2024-01-14", "a.test"),
        ("https://www.b.test/old", "2023-12-12", "b.test"),
    ]
    first, second = map(json.loads, (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines())
    # 30 days before and 2 days after are in, 31 days before are not; the leading article is dropped.
    assert first == {
        "id": "20240112_0", "question": "Who won?", "as_of": "2024-01-12", "answers": ["The Ferrant"],
        "choices": ["Kestle", "The Ferrant"], "gold_urls": ["https://a.test/month", "https://a.test/new"],
        "lenient_urls": ["https://a.test/month", "https://a.test/new", "https://www.b.test/old"],
    }  # fmt: skip
    assert (second["answers"], second["gold_urls"]) == (["Kestle"], [])


def test_a_clone_without_the_quarter_is_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no weekly"):
        build(tmp_path, tmp_path / "data", "2024q1")


def test_a_fall_by_more_than_noise_is_one() -> None:
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert len(recorded["rows"]) == 40
    assert set(recorded["rows"][0]) == {"id", *METRICS}
    assert fallen(recorded, recorded) == []

    def worse(count: int) -> dict[str, Any]:
        hit = [row["id"] for row in recorded["rows"] if row["mrr@10"] == 1.0][:count]
        return {"rows": [row | ({"mrr@10": 0.0} if row["id"] in hit else {}) for row in recorded["rows"]]}

    assert fallen(recorded, worse(1)) == []
    assert [one.name for one in fallen(recorded, worse(8))] == ["mrr@10"]
