"""BM25 over the same chunk ids, by tantivy (Robertson and Zaragoza 2009; k1 = 1.2, b = 0.75 are tantivy's own).

A chunk's words are kept as stems of its own language (``qa.library.stemming``), all in one field, so that how rare a
word is and how long a chunk is are measured alike in all languages, and scores compare.

Days are kept as integers so that filters run inside the index: ordinals as ``date.toordinal`` counts them, 0 for none.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from qa.errors import StoreError
from qa.library.catalog import StoredChunk
from qa.library.stemming import ENGLISH, STEMMERS, Analyzers, stemmer_of
from qa.models import Filters

_ANALYZER = "dateline_2"
"""Changes with how words are kept: an index in which it has another name was made by another Dateline."""
_FOREVER = date.max.toordinal() + 1


class LexicalIndex:
    """Words of chunks by chunk id. Opened lazily. One writer at a time; readers see commits after ``refresh``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._index: Any = None
        self._outdated = False
        self._stemmers: tuple[str, ...] | None = None
        self._analyzers = Analyzers()

    def is_outdated(self) -> bool:
        """Whether what is on disk was made by a Dateline that kept words in another way.

        Such an index can be searched as it was, but not added to: ``clear`` it first.
        """
        try:
            schema = json.loads((self._path / "meta.json").read_text(encoding="utf-8"))["schema"]
            return all(field["options"].get("indexing", {}).get("tokenizer") != _ANALYZER for field in schema)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            # Not there, or damaged; opening it says which.
            return False

    def clear(self) -> None:
        """Forget everything. Readers in other processes find nothing until chunks are added again."""
        aside = self._path.with_name(f"{self._path.name}.outdated")
        with self._lock:
            self.close()
            try:
                # Moved first: a reader may open the index, and thereby write to it, while it is being removed.
                shutil.rmtree(aside, ignore_errors=True)
                self._path.replace(aside)
                shutil.rmtree(aside, ignore_errors=True)
            except OSError as error:
                raise StoreError(f"the lexical index cannot be made anew: {error}") from error

    def close(self) -> None:
        """Let go of the index."""
        with self._lock:
            self._index = None

    def refresh(self) -> None:
        """See what another process has committed."""
        with self._lock:
            if self._outdated and not self.is_outdated():
                self.close()
            elif self._index is not None:
                self._index.reload()
                self._stemmers = None

    def update(self, chunks: Iterable[StoredChunk], *, remove: Sequence[str] = ()) -> None:
        """Add or replace ``chunks`` and forget the ids in ``remove``, all in one commit. Safe to repeat."""
        import tantivy

        index = self._open()
        # Its own: searches in other threads use the index's.
        analyzers = Analyzers()
        try:
            writer = index.writer(heap_size=64_000_000, num_threads=1)
            # A writer killed before its commit counted leaves files that the next one would name alike, and refuse.
            writer.garbage_collect_files()
            for one in remove:
                writer.delete_documents_by_term("id", one)
            for chunk in chunks:
                writer.delete_documents_by_term("id", chunk.id)
                writer.add_document(_document(tantivy, chunk, analyzers))
            writer.commit()
            writer.wait_merging_threads()
            self.refresh()
        except (ValueError, OSError) as error:
            raise StoreError(
                f"the lexical index failed: {error}", hint="Try `dateline status --check --repair`."
            ) from error

    def search(
        self, query: str, k: int, filters: Filters | None = None, *, among: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """The ``k`` best chunk ids with their BM25 score, best first; [] when no word of ``query`` is known.

        The query's words are searched as they are, stemmed by every language of which there are chunks: nothing in it
        is syntax. ``among`` limits the search to those chunk
        ids, an empty list to none. The index knows no articles: who asks for some names their chunks.
        """
        import tantivy

        index = self._open()
        words = self._analyzers.query_stems(query, self._stemmers_of(index))
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

    def matches(self, query: str, texts: Iterable[tuple[str, str | None]]) -> list[tuple[tuple[int, int], ...]]:
        """Of each (text, language) the spans of the words that :meth:`search` would find for ``query``, in order."""
        stems = set(self._analyzers.query_stems(query, self._stemmers_of(self._open())))
        found = []
        for text, language in texts:
            tokens = self._analyzers.stemming(stemmer_of(language)).pre_tokenize(text).tokens
            found.append(tuple((one.char_offset_from, one.char_offset_to) for one in tokens if one.text in stems))
        return found

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
                    self._outdated = self.is_outdated()
                    self._index = (
                        tantivy.Index.open(str(self._path))
                        if self._outdated
                        else tantivy.Index(_schema(tantivy), path=str(self._path))
                    )
                except (ValueError, OSError) as error:
                    hint = f"Move {self._path} away and run `dateline status --check --repair`."
                    raise StoreError(f"the lexical index cannot be opened: {error}", hint=hint) from error
                self._index.register_tokenizer(_ANALYZER, Analyzers().stemming(ENGLISH))
                self._stemmers = None
            return self._index

    def _stemmers_of(self, index: Any) -> tuple[str, ...]:
        """By which the chunks in the index were stemmed, English first and always."""
        stemmers = self._stemmers
        if stemmers is None:
            searcher = index.searcher()
            others = () if self._outdated else (one for one in STEMMERS if one != ENGLISH)
            found = (one for one in others if searcher.doc_freq("stemmer", one))
            self._stemmers = stemmers = (ENGLISH, *found)
        return stemmers


def _schema(tantivy: Any) -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("text", tokenizer_name=_ANALYZER, index_option="freq")
    builder.add_text_field("source", tokenizer_name="raw", index_option="basic")
    for name in ("day", "valid_from", "valid_to"):
        builder.add_integer_field(name, indexed=True, fast=True)
    builder.add_text_field("stemmer", tokenizer_name="raw", index_option="basic")
    return builder.build()


def _document(tantivy: Any, chunk: StoredChunk, analyzers: Analyzers) -> Any:
    stemmer = stemmer_of(chunk.language)
    document = tantivy.Document(id=chunk.id, stemmer=stemmer)
    if stemmer == ENGLISH:
        document.add_text("text", chunk.text)
    else:
        document.add_pre_tokenized_text("text", analyzers.stemming(stemmer).pre_tokenize(chunk.text))
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
