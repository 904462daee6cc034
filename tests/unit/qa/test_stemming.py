"""Words as the lexical index keeps them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.library.stemming import ENGLISH, STEMMERS, Analyzers, stemmer_of

BOTH = (ENGLISH, "spanish")


@pytest.mark.parametrize(
    ("language", "stemmer"),
    [
        ("en", "english"),
        ("es", "spanish"),
        ("nb", "norwegian"),
        ("pl", "english"),
        ("zh", "english"),
        (None, "english"),
    ],
)
def test_a_language_without_a_stemmer_is_taken_for_english(language: str | None, stemmer: str) -> None:
    assert stemmer_of(language) == stemmer


@pytest.mark.parametrize(
    ("stemmer", "one", "other"),
    [
        ("spanish", "las presentaciones", "presentación"),
        ("portuguese", "falaram", "falou"),
        ("german", "die Häuser", "Haus"),
        ("french", "les journaux", "journal"),
        ("russian", "на выборах", "выборы"),
        ("turkish", "evler", "ev"),
    ],
)
def test_forms_of_a_word_have_one_stem_in_their_language(stemmer: str, one: str, other: str) -> None:
    analyzers = Analyzers()
    stems = analyzers.stemming(stemmer).analyze(other)
    assert analyzers.stemming(stemmer).analyze(one)[-1:] == stems
    assert analyzers.stemming(ENGLISH).analyze(one)[-1:] != stems


@given(st.text(max_size=200), st.sampled_from(STEMMERS))
def test_what_is_searched_includes_what_is_kept_of_the_same_words(text: str, stemmer: str) -> None:
    analyzers = Analyzers()
    kept = list(dict.fromkeys(analyzers.stemming(stemmer).analyze(text)))
    assert analyzers.query_stems(text, [stemmer]) == kept[:64]


def test_a_query_is_stemmed_by_each_language_and_has_no_stem_twice() -> None:
    stems = Analyzers().query_stems("Lavrov elecciones", BOTH)
    assert stems == ["lavrov", "eleccion"] or stems == ["lavrov", "elecciones", "eleccion"]
    assert len(set(stems)) == len(stems)


def test_stop_words_of_the_language_a_query_is_in_are_left_out_by_all() -> None:
    analyzers = Analyzers()
    alone = analyzers.query_stems("¿Qué dijo el ministro de la energía?", ["spanish"])
    both = analyzers.query_stems("¿Qué dijo el ministro de la energía?", BOTH)
    assert not {"el", "de", "la", "que"} & set(both)
    assert set(alone) < set(both)


def test_where_the_language_is_not_plain_only_its_own_stop_words_are_left_out() -> None:
    # "no" and "a" are stop words of both.
    assert "son" in Analyzers().query_stems("the son of a minister", BOTH)
    assert "la" in Analyzers().query_stems("La Paz", BOTH)


def test_a_long_query_is_cut() -> None:
    words = " ".join(f"w{n}" for n in range(200))
    assert len(Analyzers().query_stems(words, [ENGLISH])) == 64
