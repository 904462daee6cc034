"""What the documents say of the settings is what the settings are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qa.settings import PREFIX, Settings, load_settings
from scripts import render_docs
from tests.conftest import ROOT


def test_env_example_has_not_drifted() -> None:
    written = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert written == render_docs.env_example(), "run `make docs`"


def test_the_table_of_settings_has_not_drifted() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert render_docs.settings_table() in readme, "run `make docs`"


def test_every_setting_is_explained() -> None:
    assert not [row.variable for row in render_docs.rows() if len(row.description) < 10]


def test_env_example_taken_as_it_is_changes_nothing(tmp_path: Path) -> None:
    """Uncommenting every line gives the defaults: what is written there is what is meant."""
    defaults = load_settings()
    lines = re.sub(rf"^# ({PREFIX})", r"\1", render_docs.env_example(), flags=re.M)
    (tmp_path / ".env").write_text(lines, encoding="utf-8")
    assert load_settings() == defaults
    assert lines.count(f"\n{PREFIX}") == len(Settings.model_fields)


def test_a_readme_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match=r"README\.md has no line"):
        render_docs.with_parts("# Dateline\n")


def test_the_reference_of_the_command_line_has_not_drifted() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert render_docs.command_line() in readme, "run `make docs`"


def test_the_reference_is_what_help_prints_whatever_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    reference = render_docs.command_line()
    for command in ("dateline ask", "dateline articles show", "dateline doctor"):
        assert f"<summary><code>{command}</code>: " in reference
        assert f"Usage: {command}" in reference
    assert "\x1b" not in reference
    assert max(map(len, reference.splitlines())) <= 160
