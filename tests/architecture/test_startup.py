"""What a command does not need it does not import."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "alembic",
    "chromadb",
    "fastapi",
    "ir_measures",
    "langchain",
    "langchain_core",
    "langchain_openai",
    "numpy",
    "onnxruntime",
    "py3langid",
    "sentence_transformers",
    "sqlalchemy",
    "tantivy",
    "tokenizers",
    "torch",
    "transformers",
    "uvicorn",
}
PROGRAM = """
import json, sys
from api.cli import main
assert main() == 0
print(json.dumps(sorted(name for name in sys.modules if "." not in name)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["ask", "--help"], ["ingest", "--help"], ["eval", "--help"], ["serve", "--help"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True)
    assert "Usage" in ran.stdout
    assert not HEAVY & set(json.loads(ran.stderr.splitlines()[-1]))
