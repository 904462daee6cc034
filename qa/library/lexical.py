"""BM25 over the same chunk ids, by tantivy (Robertson and Zaragoza 2009; k1 = 1.2, b = 0.75 are tantivy's own).

Days are kept as integers so that filters run inside the index: ordinals as ``date.toordinal`` counts them, 0 for none.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from qa.errors import StoreError
from qa.library.catalog import StoredChunk
from qa.models import Filters

_ANALYZER = "dateline_en"
_FOREVER = date.max.toordinal() + 1
_MAX_TERMS = 64
"""Distinct words of a query that are searched; a pasted article is no better a query for being longer."""


class LexicalIndex:
    """Words of chunks by chunk id. Opened lazily. One writer at a time; readers see commits after ``refresh``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._index: Any = None
        self._analyzer: Any = None

    def close(self) -> None:
        """Let go of the index."""
        with self._lock:
            self._index = None

    def refresh(self) -> None:
        """See what another process has committed."""
        with self._lock:
            if self._index is not None:
                self._index.reload()

    def update(self, chunks: Iterable[StoredChunk], *, remove: Sequence[str] = ()) -> None:
        """Add or replace ``chunks`` and forget the ids in ``remove``, all in one commit. Safe to repeat."""
        import tantivy

        index = self._open()
        try:
            writer = index.writer(heap_size=64_000_000, num_threads=1)
            # A writer killed before its commit counted leaves files that the next one would name alike, and refuse.
            writer.garbage_collect_files()
            for one in remove:
                writer.delete_documents_by_term("id", one)
            for chunk in chunks:
                writer.delete_documents_by_term("id", chunk.id)
                writer.add_document(_document(tantivy, chunk))
            writer.commit()
            writer.wait_merging_threads()
            index.reload()
        except (ValueError, OSError) as error:
            raise StoreError(
                f"the lexical index failed: {error}", hint="Try `dateline status --check --repair`."
            ) from error

    def search(
        self, query: str, k: int, filters: Filters | None = None, *, among: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """The ``k`` best chunk ids with their BM25 score, best first; [] when no word of ``query`` is known.

        The query's words are searched as they are: nothing in it is syntax. ``among`` limits the search to those chunk
        ids, an empty list to none. The index knows no articles: who asks for some names their chunks.
        """
        import tantivy

        index = self._open()
        words = list(dict.fromkeys(self._analyzer.analyze(query)))[:_MAX_TERMS]
        if not words:
            return []
        schema = index.schema
        should = [(tantivy.Occur.Should, tantivy.Query.term_query(schema, "text", word, "freq")) for word in words]
        parts = [(tantivy.Occur.Must, tantivy.Query.boolean_query(should))]
        if filters is not None:
            parts += [(tantivy.Occur.Must, condition) for condition in _conditions(tantivy, schema, filters)]
        if among is not None:
            admitted = tantivy.Query.term_set_query(schema, "id", list(among))
            parts.append((tantivy.Occur.Must, tantivy.Query.const_score_query(admitted, 0.0)))
        searcher = index.searcher()
        found = searcher.search(tantivy.Query.boolean_query(parts), limit=k, count=False)
        return [(searcher.doc(address)["id"][0], score) for score, address in found.hits]

    def ids(self) -> set[str]:
        """Every chunk id in the index."""
        import tantivy

        searcher = self._open().searcher()
        if not searcher.num_docs:
            return set()
        found = searcher.search(tantivy.Query.all_query(), limit=searcher.num_docs, count=False)
        return {searcher.doc(address)["id"][0] for _, address in found.hits}

    def _open(self) -> Any:
        with self._lock:
            if self._index is None:
                import tantivy

                self._path.mkdir(parents=True, exist_ok=True)
                try:
                    self._index = tantivy.Index(_schema(tantivy), path=str(self._path))
                except (ValueError, OSError) as error:
                    hint = f"Move {self._path} away and run `dateline status --check --repair`."
                    raise StoreError(f"the lexical index cannot be opened: {error}", hint=hint) from error
                self._analyzer = _build_analyzer(tantivy)
                self._index.register_tokenizer(_ANALYZER, self._analyzer)
            return self._index


def _schema(tantivy: Any) -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("text", tokenizer_name=_ANALYZER, index_option="freq")
    builder.add_text_field("source", tokenizer_name="raw", index_option="basic")
    for name in ("day", "valid_from", "valid_to"):
        builder.add_integer_field(name, indexed=True, fast=True)
    return builder.build()


def _build_analyzer(tantivy: Any) -> Any:
    filters = tantivy.Filter
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(filters.remove_long(40))
        .filter(filters.lowercase())
        .filter(filters.ascii_fold())
        .filter(filters.stopword("english"))
        .filter(filters.stemmer("english"))
        .build()
    )


def _document(tantivy: Any, chunk: StoredChunk) -> Any:
    document = tantivy.Document(id=chunk.id, text=chunk.text)
    if chunk.source:
        document.add_text("source", chunk.source)
    document.add_integer("day", chunk.published.toordinal() if chunk.published else 0)
    document.add_integer("valid_from", chunk.valid_from.toordinal() if chunk.valid_from else 0)
    document.add_integer("valid_to", chunk.valid_to.toordinal() if chunk.valid_to else _FOREVER)
    return document


def _conditions(tantivy: Any, schema: Any, filters: Filters) -> list[Any]:
    query, integer, as_of = tantivy.Query, tantivy.FieldType.Integer, filters.as_of.toordinal()
    # Undated articles stand at day 0: a lower bound of 1 leaves them out.
    first = filters.start.toordinal() if filters.start else (1 if filters.dated_only else 0)
    conditions = [
        query.range_query(schema, "day", integer, first, filters.latest.toordinal()),
        query.range_query(schema, "valid_from", integer, None, as_of),
        query.range_query(schema, "valid_to", integer, as_of + 1, None),
    ]
    if filters.sources:
        conditions.append(query.term_set_query(schema, "source", list(filters.sources)))
    # Filters decide, they do not score.
    return [query.const_score_query(condition, 0.0) for condition in conditions]
