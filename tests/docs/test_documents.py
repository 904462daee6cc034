"""The documents show commands, files and links that exist."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import typer.main

import api.errors
from api.app import create_app
from api.cli.app import app
from ingest.readers import SUFFIXES
from qa.library.tables import metadata
from qa.models import Answer
from qa.settings import Settings
from tests.conftest import ROOT
from tests.docs.markdown import DOCUMENTS, anchors, blocks, commands, prose, read

README = ROOT / "README.md"
each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


@each_document
def test_every_command_shown_exists_with_its_options(path: Path) -> None:
    for arguments in commands(path, "dateline"):
        command = typer.main.get_command(app)
        words = list(arguments)
        while words and (sub := getattr(command, "commands", {}).get(words[0])):
            command = sub
            words.pop(0)
        shown = "dateline " + " ".join(arguments)
        assert not getattr(command, "commands", {}) or words == [] or words[0].startswith("-"), f"no command: {shown}"
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        known.add("--help")
        options = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert options <= known, f"no option {options - known}: {shown}"


def test_the_readme_shows_every_command() -> None:
    shown = {arguments[0] for arguments in commands(README, "dateline") if arguments}
    assert set(typer.main.get_command(app).commands) <= shown  # type: ignore[attr-defined]


@each_document
def test_every_make_target_shown_exists(path: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    for arguments in commands(path, "make"):
        assert arguments[0] in targets, f"make {arguments[0]}"


@each_document
def test_links_inside_the_repository_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        linked = path.parent / file if file else path
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


@each_document
def test_files_named_exist(path: Path) -> None:
    for name in re.findall(r"`((?:qa|ingest|api|tests|scripts)/[\w./-]*)`", read(path)):
        assert (ROOT / name).exists(), name


@each_document
def test_python_shown_compiles(path: Path) -> None:
    for block in blocks(path, "python"):
        compile(block, path.name, "exec")


def test_the_answer_shown_is_an_answer() -> None:
    (shown,) = blocks(README, "json")
    answer = Answer.model_validate_json(shown)
    # Every field is shown, and none that does not exist.
    assert answer.to_json().keys() == json.loads(shown).keys()
    assert answer.to_json()["citations"][0].keys() == json.loads(shown)["citations"][0].keys()


def test_the_architecture_names_every_module_and_table() -> None:
    text = read(ROOT / "ARCHITECTURE.md")
    modules = {
        path.stem
        for package in ("qa", "qa/library", "ingest", "api")
        for path in (ROOT / package).iterdir()
        if not path.name.startswith("_") and path.suffix in ("", ".py")
    }
    assert {module for module in modules if not re.search(rf"\b{module}\b", text)} == set()
    assert {table for table in metadata.tables if f"`{table}`" not in text} == set()


def test_the_readme_names_every_format_and_extra() -> None:
    text = read(README)
    assert {suffix for suffix in SUFFIXES if f"`{suffix}`" not in text} == set()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {extra for extra in project["optional-dependencies"] if f"`{extra}`" not in text} <= {"bench", "dev"}


def test_the_exit_codes_listed_are_those_there_are() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", read(README), re.M)}
    there = {value for name, value in vars(api.errors).items() if name.isupper() and isinstance(value, int)}
    assert listed == there


def test_the_errors_listed_are_those_there_are_with_their_statuses() -> None:
    listed = {
        (code, int(status))
        for codes, status in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (\d{3}) \|", read(README), re.M)
        for code in re.findall(r"\w+", codes)
    }
    there = {(code, status) for code, (status, _, _) in api.errors.REFUSALS.items()}
    there |= {(kind.code, status) for kind, (status, _) in api.errors.HTTP_ERRORS.items()}
    assert listed == there


def test_the_routes_shown_exist() -> None:
    there = set(create_app(Settings()).openapi()["paths"])
    shown = set(re.findall(r"http://127\.0\.0\.1:8000(/[\w/]+)", read(README)))
    shown.discard("/v1")  # what OpenAI's client is given: the root of its routes
    assert shown
    assert shown <= there
