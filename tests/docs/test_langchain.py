"""The README's example of a chain's retriever runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, SAMPLE
from tests.docs.markdown import blocks
from tests.e2e.test_cli import dateline


@pytest.mark.slow
def test_the_retriever_of_the_readme_finds_what_was_known_on_that_day(tmp_path: Path) -> None:
    ran = dateline("ingest", SAMPLE / "articles", "--home", tmp_path / ".dateline")
    assert ran.code == 0, ran.err
    (example,) = [block for block in blocks(ROOT / "README.md", "python") if "DatelineRetriever" in block]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    shown = subprocess.run(
        [sys.executable, "-W", "error", "-c", example], cwd=tmp_path, env=env, capture_output=True, encoding="utf-8"
    )
    assert shown.returncode == 0, shown.stderr
    days, titles = zip(*(line.split(" ", 1) for line in shown.stdout.splitlines()), strict=True)
    assert len(days) == 3
    assert "2025-03-24" in days
    assert max(days) <= "2025-03-25"
    assert any("flood" in title.lower() for title in titles)
