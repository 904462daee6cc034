"""Words as the lexical index keeps them: the stems of a text's own language, without the stop words of that language.

tantivy's stemmers (Snowball, Porter 2001) and stop words. A text in a language without a stemmer, or in one that is not
known, is taken for English. English folds its accents before it stems, as it always did here; the others tell words
apart by them, and fold the stems, so that a query that goes without accents finds most of what it would with them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

ENGLISH = "english"
_STEMMERS = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": ENGLISH, "es": "spanish", "fi": "finnish",
    "fr": "french", "hu": "hungarian", "it": "italian", "nb": "norwegian", "nl": "dutch", "nn": "norwegian",
    "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish", "ta": "tamil",
    "tr": "turkish",
}  # fmt: skip
STEMMERS = tuple(sorted(set(_STEMMERS.values())))
"""What a text may be stemmed by."""
_WITHOUT_STOP_WORDS = {"arabic", "greek", "romanian", "tamil", "turkish"}

_MAX_WORD = 40
"""Bytes of the longest word kept."""
_MAX_STEMS = 64
"""Distinct stems of a query, by each stemmer; a pasted article is no better a query for being longer."""
_LEAD = 2
"""A query is in the language of which it has so many stop words more than of any other."""


def stemmer_of(language: str | None) -> str:
    """The stemmer for a text in ``language`` (ISO 639-1)."""
    return _STEMMERS.get(language or "", ENGLISH)


class Analyzers:
    """tantivy's analyzers by stemmer, each made when it is first asked for."""

    def __init__(self) -> None:
        self._stemming: dict[str, Any] = {}
        self._stopping: dict[str | None, Any] = {}

    def stemming(self, stemmer: str) -> Any:
        """The one that makes stems."""
        if stemmer not in self._stemming:
            self._stemming[stemmer] = _build(stemmer)
        return self._stemming[stemmer]

    def query_stems(self, query: str, stemmers: Collection[str]) -> list[str]:
        """The stems of ``query`` by each of ``stemmers``, in the order of its words, each once.

        Nobody knows which language a query is in. A name is the same in most of them, and a word of one is rarely
        found in articles in another; but stop words of one are rare words, and so weighty ones, in others ("la", "el",
        "die"). Where they show plainly which language it is, they are left out by all stemmers.
        """
        if len(stemmers) > 1:
            query = self._without_stop_words(query, stemmers)
        stems: dict[str, None] = {}
        for stemmer in stemmers:
            found = dict.fromkeys(self.stemming(stemmer).analyze(query))
            stems |= dict.fromkeys(list(found)[:_MAX_STEMS])
        return list(stems)

    def _without_stop_words(self, query: str, stemmers: Collection[str]) -> str:
        words = self._words(query, None)
        stops = [set(words) - set(self._words(query, stemmer)) for stemmer in stemmers]
        most, next_most = sorted(stops, key=len, reverse=True)[:2]
        if len(most) - len(next_most) < _LEAD:
            return query
        return " ".join(word for word in words if word not in most)

    def _words(self, text: str, stemmer: str | None) -> list[str]:
        """The words of ``text`` as they are, less the stop words of the stemmer's language."""
        if stemmer not in self._stopping:
            self._stopping[stemmer] = _build_stopping(stemmer)
        words: list[str] = self._stopping[stemmer].analyze(text)
        return words


def _build(stemmer: str) -> Any:
    import tantivy

    filters = tantivy.Filter
    builder = _lowercase(tantivy)
    if stemmer == ENGLISH:
        builder = builder.filter(filters.ascii_fold())
    if stemmer not in _WITHOUT_STOP_WORDS:
        builder = builder.filter(filters.stopword(stemmer))
    builder = builder.filter(filters.stemmer(stemmer))
    return (builder if stemmer == ENGLISH else builder.filter(filters.ascii_fold())).build()


def _build_stopping(stemmer: str | None) -> Any:
    import tantivy

    builder = _lowercase(tantivy)
    if stemmer is not None and stemmer not in _WITHOUT_STOP_WORDS:
        builder = builder.filter(tantivy.Filter.stopword(stemmer))
    return builder.build()


def _lowercase(tantivy: Any) -> Any:
    filters = tantivy.Filter
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(filters.remove_long(_MAX_WORD))
        .filter(filters.lowercase())
    )
