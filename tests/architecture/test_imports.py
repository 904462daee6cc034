"""Who may import whom: the contracts in pyproject.toml, and one place for each large library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import FILES, imported, name
from tests.conftest import ROOT

# Errors of each are renamed in one place, and in that place alone another library could be put behind it.
ONE_PLACE = {
    "alembic": "qa/library/",
    "chromadb": "qa/library/store.py",
    "ir_measures": "qa/evaluation/ranked.py",
    "langchain": "qa/providers.py",
    # The other way round: LangChain's chains speak to Dateline.
    "langchain_core": "qa/langchain_face.py",
    "sentence_transformers": "qa/library/encoders.py",
    "sqlalchemy": "qa/library/",
    # The index in the one, how words are kept in it in the other.
    "tantivy": ("qa/library/lexical.py", "qa/library/stemming.py"),
    # Embedding models in the one, chat models in the other.
    "torch": ("qa/library/bert_torch.py", "qa/local_model.py"),
    "transformers": ("qa/library/encoders.py", "qa/local_model.py"),
    "typer": "api/",
}


def test_the_import_contracts_hold() -> None:
    # In a process of its own: import-linter switches off every logger there is.
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(("library", "place"), ONE_PLACE.items())
def test_each_large_library_is_spoken_to_in_one_place(library: str, place: str | tuple[str, ...]) -> None:
    users = {name(path) for path in FILES if library in {module.split(".")[0] for module in imported(path)}}
    assert not {user for user in users if not user.startswith(place)}
