"""The OpenAPI document against the service it describes: schemathesis makes up requests, and checks every reply.

All of its checks: no 5xx, no status, header, media type or body that the document does not describe, nothing accepted
that it forbids. ``DATELINE_TEST_SCHEMA=300`` has it make up so many requests for each operation.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.app import create_app
from qa.engine import Engine
from tests.conftest import ROOT
from tests.fakes import ScriptedOpenAI
from tests.integration.collection import ALL, keep, writer
from tests.integration.test_http import served

EXAMPLES = os.environ.get("DATELINE_TEST_SCHEMA", "20")
CONFIG = ROOT / "tests" / "integration" / "schemathesis.toml"
# Its plugin for pytest does not work with the pytest we use; and the command tries more, such as sequences of requests.
COMMAND = Path(sys.executable).with_name("schemathesis")


@pytest.mark.timeout(0 if int(EXAMPLES) > 100 else 300)
def test_the_service_answers_as_its_document_says(tmp_path: Path) -> None:
    with ScriptedOpenAI(default="Sergey Lavrov arrived in Brazil [1].") as model:
        told = {"model": "openai:scripted", "model_base_url": model.base_url, "fallback_models": "extractive"}
        with writer(tmp_path / "home", command="serve", **told) as home:
            keep(home, *ALL)
            with served(create_app(home.settings, home, Engine(home))) as url:
                # What POST /articles hands out is the id of a job: no article is to be had under it.
                checks = ["--checks", "all", "--exclude-checks", "ensure_resource_availability"]
                options = [*checks, "--max-examples", EXAMPLES, "--continue-on-failure", "--no-color"]
                ran = subprocess.run(
                    [COMMAND, "--config-file", CONFIG, "run", f"{url}/openapi.json", *options],
                    cwd=tmp_path,
                    capture_output=True,
                    text=True,
                    check=False,
                )
    assert ran.returncode == 0, ran.stdout + ran.stderr
