from __future__ import annotations

import errno
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qa.errors import SettingsError
from qa.settings import Settings, load_settings


def test_defaults_need_nothing() -> None:
    settings = load_settings()
    assert settings.model == "extractive"
    assert settings.home == Path(".dateline")
    assert settings.model_api_key is None


def test_argument_beats_environment_beats_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATELINE_TOP_K=3\nDATELINE_HALF_LIFE=10\nDATELINE_AGE_FLOOR=0.1\nOTHER=1\n")
    monkeypatch.setenv("DATELINE_TOP_K", "4")
    monkeypatch.setenv("DATELINE_HALF_LIFE", "11")
    settings = load_settings(top_k=5, half_life=None)
    assert (settings.top_k, settings.half_life, settings.age_floor) == (5, 11, 0.1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOP_K", "0"),
        ("TOP_K", "many"),
        ("AGE_FLOOR", "1.5"),
        ("AGE_FLOOR", "nan"),
        ("HALF_LIFE", "0"),
        ("PORT", "70000"),
        ("LOG_LEVEL", "loud"),
        ("MODEL_TIMEOUT", "inf"),
        ("TIMEZONE", "Mars/Olympus"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"DATELINE_{name}", value)
    with pytest.raises(SettingsError, match=f"DATELINE_{name}"):
        load_settings()


def test_a_bad_argument_is_refused_by_the_settings_name() -> None:
    with pytest.raises(SettingsError, match="DATELINE_TOP_K"):
        load_settings(top_k=99)


def test_a_misspelt_zone_gets_a_suggestion() -> None:
    with pytest.raises(SettingsError, match=r"did you mean Europe/Berlin\?"):
        load_settings(timezone="Europe/Berln")


def test_a_misspelt_name_is_refused_with_a_suggestion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_HALFLIFE", "3")
    with pytest.raises(SettingsError, match=r"environment.*DATELINE_HALFLIFE") as caught:
        load_settings()
    assert caught.value.hint == "Did you mean DATELINE_HALF_LIFE?"


def test_a_misspelt_name_in_the_env_file_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATELINE_TOPK=3\n")
    with pytest.raises(SettingsError, match=r"\.env.*DATELINE_TOPK"):
        load_settings()


def test_a_directory_that_may_not_be_looked_into_has_no_env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    # Such as root's home is to a service's user. Here root may run the tests, who may look everywhere.
    def denied(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", denied)
    assert load_settings(top_k=3).top_k == 3


def test_an_env_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"DATELINE_TOP_K=\xff\xfe\n")
    with pytest.raises(SettingsError, match=r"\.env"):
        load_settings()


def test_names_that_steer_tests_are_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_BENCH_ROWS", "3")
    assert load_settings().top_k == 6


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_TOP_K", "")
    assert load_settings().top_k == 6


def test_a_key_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_MODEL_API_KEY", "sk-secret")
    monkeypatch.setenv("DATELINE_DATABASE_URL", "postgresql://me:secret@db/x")
    settings = load_settings()
    assert "secret" not in repr(settings)
    assert settings.model_api_key is not None
    assert settings.model_api_key.get_secret_value() == "sk-secret"


def test_fallback_models_are_a_list_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_FALLBACK_MODELS", " openai:a , openai:b@http://127.0.0.1:1/v1,, extractive ")
    assert load_settings().fallback_models == ("openai:a", "openai:b@http://127.0.0.1:1/v1", "extractive")
    monkeypatch.setenv("DATELINE_FALLBACK_MODELS", "")
    assert load_settings().fallback_models == ()


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("PROMPT_FILE", "none.txt", "none.txt: cannot be read"),
        ("PROMPT_FILE", "bad.txt", "bad.txt: there is no placeholder {question}"),
        ("PRICES", "none.json", "none.json: cannot be read"),
        ("PRICES", '{"openai:x": {"input": 1}}', "openai:x: output is None"),
    ],
)
def test_a_file_that_a_setting_names_is_read_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, complaint: str
) -> None:
    (tmp_path / "bad.txt").write_text("{dates} {abstention} {question}")
    monkeypatch.setenv(f"DATELINE_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith(f"DATELINE_{name}: ")
    assert str(caught.value).count(f"DATELINE_{name}") == 1
    assert complaint in str(caught.value)


def test_today_is_a_question_of_the_zone() -> None:
    now = datetime.now(UTC)
    # Fourteen hours east and twelve west of Greenwich it is never the same day.
    east, west = load_settings(timezone="Pacific/Kiritimati").today(), load_settings(timezone="Etc/GMT+12").today()
    assert timedelta(days=1) <= east - west <= timedelta(days=2)
    assert west <= now.date() <= east


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
