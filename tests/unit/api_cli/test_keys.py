"""``dateline keys``: keys made, listed and revoked."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.keys import KeyRing
from tests.unit.api_cli.conftest import Run


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "there" / "keys.jsonl"
    monkeypatch.setenv("DATELINE_API_KEYS_FILE", str(path))
    return path


def test_a_key_is_printed_once_and_lets_in(dateline: Run, file: Path) -> None:
    made = dateline("keys", "new", "desk", "--scope", "ask", "--scope", "ingest", "--requests", "3")
    assert made.code == 0
    assert "Added to" in made.err
    found = KeyRing(file).find(made.out.strip())
    assert found is not None
    assert (found.name, sorted(found.scopes), found.requests) == ("desk", ["ask", "ingest"], 3)
    listed = dateline("keys", "list")
    assert listed.out.startswith("desk  ask, ingest  20")
    assert "3 at once" in listed.out
    assert made.out.strip() not in listed.out


def test_json_prints_one_document(dateline: Run, file: Path) -> None:
    made = dateline("keys", "new", "desk", "--json").document
    assert (made["name"], made["scopes"]) == ("desk", ["ask"])
    assert KeyRing(file).find(made["key"]) is not None
    (listed,) = dateline("keys", "list", "--json").document
    assert (listed["name"], listed["scopes"]) == ("desk", ["ask"])
    assert "hash" not in listed
    assert dateline("keys", "revoke", "desk", "--json").document == {"revoked": "desk"}


def test_a_revoked_key_is_gone(dateline: Run, file: Path) -> None:
    key = dateline("keys", "new", "desk").out.strip()
    assert dateline("keys", "revoke", "desk").out == "Revoked desk.\n"
    assert KeyRing(file).find(key) is None
    assert "nobody is let in" in dateline("keys", "list").err
    again = dateline("keys", "revoke", "desk")
    assert (again.code, again.out) == (1, "")
    assert "no key named 'desk'" in again.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["a b"], "name: "),
        (["x", "--scope", "root"], "scopes: "),
        (["x", "--rate", "often"], "rate: "),
        (["taken"], "there is a key named 'taken'"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(dateline: Run, file: Path, arguments: list[str], complaint: str) -> None:
    dateline("keys", "new", "taken")
    before = file.read_text()
    ran = dateline("keys", "new", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert complaint in ran.err
    assert file.read_text() == before


def test_without_a_file_it_says_how_to_name_one(dateline: Run) -> None:
    ran = dateline("keys", "list")
    assert ran.code == 2
    assert "DATELINE_API_KEYS_FILE" in ran.err
