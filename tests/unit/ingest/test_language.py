from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import language
from ingest.language import identify
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Rovers have signed the goalkeeper Levan Abaza from Dinamo on a three-year contract.", "en"),
        ("El Gobierno aprueba la subida del salario mínimo", "es"),
        ("Chuvas deixam quatro mortos no Rio Grande do Sul", "pt"),
        ("Quatre morts dans des inondations en Ardèche", "fr"),
        ("Hochwasser: Pegel der Söhre fällt langsam", "de"),
        ("Quattro morti per l'alluvione in Romagna", "it"),
        ("Четыре человека погибли при наводнении", "ru"),
        ("مقتل أربعة أشخاص في فيضانات", "ar"),
        # Of the Arabic that is written, the model sees as much of what is spoken in Morocco and in Egypt.
        ("وفاة الكاتب يوسف مراني", "ar"),
    ],
)
def test_headlines_and_sentences(text: str, code: str) -> None:
    assert identify(text) == code


@pytest.mark.parametrize("text", ["", "2024-04-17 12:30", "1-0 2-1 3-3 0-0", "Lavrov", "MSFT AAPL 12.5%", "<a><b>"])
def test_what_is_no_language_has_none(text: str) -> None:
    assert identify(text) is None


SPANISH = "Las lluvias obligaron a cerrar tres carreteras y dejaron a mil personas sin luz, dijo la ministra."
HEADLINE = "Meloni incontra Scholz a Roma"


@pytest.mark.parametrize("declared", ["it", "IT", " it-IT", "it_CH"])
def test_a_declared_language_settles_what_the_text_leaves_open(declared: str) -> None:
    assert identify(HEADLINE) is None
    assert identify(HEADLINE, declared) == "it"


@pytest.mark.parametrize("declared", ["ru", "ita", "italiano", "x", "", "1"])
def test_what_does_not_fit_the_text_or_is_no_code_settles_nothing(declared: str) -> None:
    assert identify(HEADLINE, declared) is None


def test_the_text_has_the_last_word() -> None:
    assert identify(SPANISH, "en-US") == "es"


def test_only_the_beginning_counts() -> None:
    english = "The council met on Monday to discuss the budget for the next year. "
    assert identify(english * 20 + "Das Parlament hat gestern beschlossen. " * 200) == "en"


@given(st.text(), st.none() | st.text(max_size=10))
def test_any_text_has_a_code_of_two_letters_or_none(text: str, declared: str | None) -> None:
    found = identify(text, declared)
    assert found is None or (len(found) == 2 and found.isalpha() and found.islower())


def test_loading_the_model_writes_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert language._loaded.__wrapped__().classify(SPANISH)[0] == "es"


def test_the_model_is_loaded_only_when_it_is_asked() -> None:
    program = "import ingest.pipeline, sys; sys.exit('py3langid' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
