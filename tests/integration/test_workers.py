"""Several processes over one collection on servers: a Chroma server and PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.server import listening, serve
from api.workers import check_workers
from qa.errors import SettingsError
from qa.library.home import WriterLock
from qa.settings import Settings
from tests.conftest import ROOT, require
from tests.integration.chroma_server import chroma_server
from tests.integration.postgres_server import INITDB, POSTGRES, postgres_server

FLOOD = {"id": "flood", "text": "The flood killed four people in Brannick.", "published": "2025-03-24"}
MANY = [{"id": f"a{number}", "text": f"Report number {number} came from the town of Brannick."} for number in range(40)]


def test_an_embedded_collection_has_one_process(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="2 workers cannot share an embedded collection") as refused:
        serve(Settings(home=tmp_path / "home"), port=0, workers=2)
    assert "DATELINE_CHROMA_URL" in refused.value.hint
    assert not (tmp_path / "home").exists()
    for half in ({"chroma_url": "http://127.0.0.1:1"}, {"database_url": "postgresql+psycopg://x/y"}):
        with pytest.raises(SettingsError):
            check_workers(Settings(workers=2, **half))  # type: ignore[arg-type]
    check_workers(Settings(workers=1))


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    require(find_spec("psycopg"), "psycopg speaks to PostgreSQL; it comes with the dev extra")
    if not (INITDB and POSTGRES):
        pytest.skip("no PostgreSQL server is installed, and pip has none")
    folder = tmp_path_factory.mktemp("servers")
    with chroma_server(folder / "chroma") as chroma, postgres_server(folder / "postgres") as database:
        yield {"DATELINE_CHROMA_URL": chroma, "DATELINE_DATABASE_URL": database}


def _until(what: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while True:
        try:
            if found := what():
                return found
        except httpx.TransportError:
            pass
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


@pytest.fixture
def url(tmp_path: Path, servers: dict[str, str]) -> Iterator[str]:
    with listening("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "api.cli", "serve", "--workers", "2", "--port", str(port)]
    command += ["--home", str(tmp_path / "home")]
    environ = {**os.environ, **servers, "PYTHONPATH": str(ROOT), "DATELINE_SHUTDOWN_GRACE": "2"}
    process = subprocess.Popen(command, cwd=tmp_path, env=environ, text=True, stderr=subprocess.PIPE)
    with process:
        assert process.stderr is not None
        try:
            line = process.stderr.readline()
            assert line == f"Dateline is listening on http://127.0.0.1:{port}\n", line + process.stderr.read()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in errors) == (0, False), errors


def _everywhere(url: str, path: str, wanted: Callable[[httpx.Response], bool]) -> None:
    """Each connection may come to another process: what holds must hold on many of them in a row."""
    in_a_row = 0
    end = time.monotonic() + 60
    while in_a_row < 20:
        in_a_row = in_a_row + 1 if wanted(httpx.get(url + path)) else 0
        assert time.monotonic() < end, httpx.get(url + path).text
        time.sleep(0.01)


def test_workers_share_articles_jobs_deletions_and_figures(url: str, tmp_path: Path) -> None:
    job = httpx.post(f"{url}/articles", json=[FLOOD, *MANY]).json()
    done = _until(lambda: (found := httpx.get(f"{url}/jobs/{job['id']}").json())["state"] == "done" and found)
    assert done["report"]["stored"] == 41
    _everywhere(url, "/search?q=flood+Brannick", lambda reply: reply.json()["results"][0]["article_id"] == "flood")
    # Whichever process is asked, the article is gone for all of them.
    assert httpx.delete(f"{url}/articles/flood").status_code == 204
    _everywhere(url, "/articles/flood", lambda reply: reply.status_code == 404)
    _everywhere(
        url,
        "/search?q=flood+Brannick",
        lambda reply: "flood" not in {one["article_id"] for one in reply.json()["results"]},
    )
    # Figures are those of all processes together: they only ever grow, whoever is asked.
    before = 0.0
    for _ in range(20):
        now = _searches(httpx.get(f"{url}/metrics").text)
        assert now >= before > -1
        before = now
    assert before >= 40
    # The process that writes dies; another takes its place and runs the jobs.
    writer = WriterLock(tmp_path / "home").holder()["pid"]
    os.kill(writer, signal.SIGKILL)
    _until(lambda: WriterLock(tmp_path / "home").holder().get("pid") not in (None, writer))
    job = _until(lambda: httpx.post(f"{url}/articles", json={**FLOOD, "id": "second"}).json())
    _until(lambda: httpx.get(f"{url}/jobs/{job['id']}").json()["state"] == "done")
    _everywhere(url, "/articles/second", lambda reply: reply.status_code == 200)


def _searches(metrics: str) -> float:
    lines = [line for line in metrics.splitlines() if line.startswith('dateline_stage_seconds_count{stage="search"}')]
    return float(lines[0].split()[-1]) if lines else 0.0
