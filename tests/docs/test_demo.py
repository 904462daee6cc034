"""``make demo`` shows what the README says it shows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, SAMPLE, require
from tests.docs.markdown import blocks


@pytest.fixture(scope="module")
def path() -> str:
    """A PATH on which `dateline` is this environment's."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    require(shutil.which("dateline", path=path), "the package is not installed: pip install -e .")
    return path


def run(path: str, *command: str) -> str:
    env = {**os.environ, "PATH": path, "NO_COLOR": "1"}
    ran = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_the_demo_shows_what_the_readme_says(tmp_path: Path, path: str) -> None:
    home = str(tmp_path / "home")
    shown = run(path, "sh", str(ROOT / "scripts" / "demo.sh"), home)
    assert "26 stored (2 of them copies of other articles), 0 updated, 0 unchanged." in shown
    for block in blocks(ROOT / "README.md", "console"):
        assert block in shown
    early, late, minister, unanswerable = shown.split("$ dateline ask ")[1:]
    assert "At least four people died" in early
    assert "killed seven people" in late
    assert "Nadia Ferrant was sworn in" in minister
    assert unanswerable.splitlines()[1:] == ["The articles do not say."]

    again = run(path, "dateline", "ingest", str(SAMPLE / "articles"), "--home", home)
    assert "0 stored, 0 updated, 26 unchanged." in again
