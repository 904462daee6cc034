"""Files to a searchable collection: read, plan, chunk, commit, a batch at a time; then embed what was committed.

An article is found by its words as soon as its batch is committed. Embedding does not run beside the commits: it takes
every core there is, so both would only slow each other down, and the words would be found later.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from ingest.cutting import cut, most_tokens
from ingest.dedup import Clusters, Story
from ingest.language import identify, preload
from ingest.readers import Item, ReadArticle, ReadFailure, Url, read
from ingest.readers.items import Web
from qa.library.encoders import common_words
from qa.library.home import Home
from qa.library.index import Met, Prepared, Verdict
from qa.library.validity import precedes
from qa.models import Article

STAGES = ("read", "plan", "dedup", "chunk", "language", "store", "embed")
"""What ``IngestReport.seconds`` is split by, in the order things happen."""

_BATCH_CHARS = 4_000_000
"""A batch ends early at this many code points of text, so that long articles do not fill the memory."""


_MOST_WAITING = 16_384
"""So many chunks without a vector are embedded before more is read: a long run is found by meaning, too, as it goes."""


class Progress(Protocol):
    """Told what happens during a run."""

    def found(self, total: int | None) -> None:
        """How many articles there are in all: None while that is not known, the number once all are read."""

    def article(self, where: str) -> None:
        """The article at ``where`` has been read."""

    def chunks(self, done: int, backlog: int) -> None:
        """``done`` chunks have been embedded by this run so far, ``backlog`` wait."""


class Silent:
    """A ``Progress`` that keeps it to itself."""

    def found(self, total: int | None) -> None:
        """Nothing."""

    def article(self, where: str) -> None:
        """Nothing."""

    def chunks(self, done: int, backlog: int) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What a run did.

    ``read`` counts articles read: ``stored`` (new), ``updated`` (known id, other text or metadata), ``unchanged``, or
    ``deleted`` (passed over: deleted earlier and not restored). ``failed`` and ``warnings`` are (where, reason) in the
    order met; what failed is not among ``read``. ``duplicates`` counts those of ``stored`` that are copies, exact or
    near, of another article's text: they keep their own and share its cluster. ``seconds`` is wall time by stage (see
    ``STAGES``), ``elapsed`` all of it.
    """

    read: int
    stored: int
    updated: int
    unchanged: int
    deleted: int
    duplicates: int
    failed: tuple[tuple[str, str], ...]
    warnings: tuple[tuple[str, str], ...]
    seconds: Mapping[str, float]
    elapsed: float
    chunks_embedded: int

    @property
    def articles_per_second(self) -> float:
        """Articles read per second of the whole run; 0 when there were none."""
        return self.read / self.elapsed if self.elapsed else 0.0

    def to_json(self) -> dict[str, Any]:
        """The same as a JSON object, seconds rounded to milliseconds."""
        return {
            "read": self.read,
            "stored": self.stored,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "deleted": self.deleted,
            "duplicates": self.duplicates,
            "failed": [{"where": where, "reason": reason} for where, reason in self.failed],
            "warnings": [{"where": where, "reason": reason} for where, reason in self.warnings],
            "seconds": {stage: round(spent, 3) for stage, spent in self.seconds.items()},
            "elapsed": round(self.elapsed, 3),
            "chunks_embedded": self.chunks_embedded,
            "articles_per_second": round(self.articles_per_second, 2),
        }


class Pipeline:
    """Ingests into a home that is open for writing; one run at a time.

    ``batch_size`` is how many articles are committed together: each batch can be found as soon as it is, and
    interrupting a run loses at most one. URLs are fetched from ``web``, as the home's settings have it when None.
    """

    def __init__(self, home: Home, *, batch_size: int = 64, web: Web | None = None) -> None:
        if batch_size < 1:
            raise ValueError("batch_size must be at least 1")
        self._home = home
        self._batch_size = batch_size
        self._web = web

    def run(
        self,
        paths: Iterable[Path | Url],
        *,
        restore: bool = False,
        fields: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        jobs: int = 1,
    ) -> IngestReport:
        """Ingest all that ``paths`` (files, folders and URLs) hold, and embed what an earlier run left waiting.

        ``fields`` says what fields of records are called in the files, where that is another name than ours.
        Articles already held as they are cost no more than reading them; deleted ones come back only with
        ``restore``. ``jobs`` is how many processes read files (see :func:`ingest.readers.read`). What cannot be read is
        listed in the report and stops nothing. Raises ``HomeError`` when the home is open for reading only,
        ``StoreError`` and ``ModelError`` when the home or the embedding model fails; then everything committed so far
        is kept, and running again goes on from there.
        """
        paths = tuple(paths)
        web = self._web
        if web is None and any(isinstance(path, Url) for path in paths):
            from ingest.fetch import fetcher

            web = fetcher(self._home.settings)
        settings = self._home.settings
        items = read(
            paths,
            today=settings.today(),
            fields=fields,
            date_order=settings.date_order,
            web=web,
            jobs=jobs,
            home=settings.home,
        )
        # Closed at once when the run fails: processes that read must not outlast it.
        with closing(items):
            return _Run(self._home, restore, progress or Silent()).over(_in_batches(items, self._batch_size))


@dataclass(frozen=True, slots=True)
class _Batch:
    items: tuple[Item, ...]

    @property
    def read(self) -> list[ReadArticle]:
        return [item for item in self.items if isinstance(item, ReadArticle)]


def _in_batches(items: Iterable[Item], size: int) -> Iterator[_Batch]:
    """Batches of at most ``size`` items and about ``_BATCH_CHARS`` code points."""
    batch: list[Item] = []
    chars = 0
    for item in items:
        batch.append(item)
        chars += len(item.article.text) if isinstance(item, ReadArticle) else 0
        if len(batch) >= size or chars >= _BATCH_CHARS:
            yield _Batch(tuple(batch))
            batch, chars = [], 0
    if batch:
        yield _Batch(tuple(batch))


def settle(articles: Iterable[Article], verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Verdicts on a batch as it will turn out, given those on each article by itself.

    Within a batch, another article under an id met before is an update, the same again is unchanged; if another came
    between, it may be a reversal.
    """
    settled: list[Verdict] = []
    last: dict[str, tuple[str, Verdict]] = {}
    met: set[tuple[str, str]] = set()
    for article, verdict in zip(articles, verdicts, strict=True):
        key = (article.id, article.fingerprint)
        before, said = last.get(article.id, ("", verdict))
        if verdict != "deleted" and before == article.fingerprint:
            verdict = "reverted" if said == "reverted" else "unchanged"
        elif verdict != "deleted" and before:
            known = key in met or verdict in ("unchanged", "reverted")
            verdict = "reverted" if known else "updated"
        settled.append(verdict)
        last[article.id] = (article.fingerprint, verdict)
        met.add(key)
    return settled


def _with_language(item: ReadArticle) -> Article:
    return replace(item.article, language=identify(item.article.text, item.declared))


class _Run:
    """One run: its counters and clocks."""

    def __init__(self, home: Home, restore: bool, progress: Progress) -> None:
        self._home = home
        self._restore = restore
        self._progress = progress
        self._seconds = dict.fromkeys(STAGES, 0.0)
        self._verdicts: Counter[Verdict] = Counter()
        self._duplicates = 0
        self._failed: list[tuple[str, str]] = []
        self._warnings: list[tuple[str, str]] = []
        self._embedded = 0
        self._waiting = 0
        # By id an article that was last met as it had been before.
        self._back: dict[str, Met] = {}

    def over(self, batches: Iterator[_Batch]) -> IngestReport:
        began = time.perf_counter()
        self._progress.found(None)
        # An earlier run may have left some.
        self._waiting = self._home.index.backlog()
        while batch := self._next(batches):
            self._take(batch)
            if self._waiting >= _MOST_WAITING:
                self._embed()
        self._revert()
        read_in_all = self._verdicts.total()
        self._progress.found(read_in_all)
        self._embed()
        return IngestReport(
            read=read_in_all,
            stored=self._verdicts["new"],
            updated=self._verdicts["updated"],
            unchanged=self._verdicts["unchanged"],
            deleted=self._verdicts["deleted"],
            duplicates=self._duplicates,
            failed=tuple(self._failed),
            warnings=tuple(self._warnings),
            seconds=MappingProxyType(self._seconds),
            elapsed=time.perf_counter() - began,
            chunks_embedded=self._embedded,
        )

    def _next(self, batches: Iterator[_Batch]) -> _Batch | None:
        with self._clock("read"):
            return next(batches, None)

    def _take(self, batch: _Batch) -> None:
        """Commit what is new in a batch."""
        self._note(batch)
        read = batch.read
        with self._clock("plan"):
            articles = [item.article for item in read]
            verdicts = settle(articles, self._home.index.plan(articles, restore=self._restore))
        self._count(articles, verdicts)
        judged = list(zip(read, verdicts, strict=True))
        if wanted := [pair for pair in judged if pair[1] in ("new", "updated")]:
            self._keep(wanted)
        with self._clock("store"):
            self._home.index.record_instants([Met.of(item.article) for item, verdict in judged if verdict != "deleted"])

    def _keep(self, wanted: Sequence[tuple[ReadArticle, Verdict]]) -> None:
        preload()
        with self._clock("dedup"):
            clusters = Clusters(self._alike, common_words().__contains__)
            placed = [clusters.place(item.article) for item, _ in wanted]
        copies = (place.joined and verdict == "new" for place, (_, verdict) in zip(placed, wanted, strict=True))
        self._duplicates += sum(copies)
        with self._clock("chunk"):
            tokens = most_tokens(self._home)
            chunks = [cut(item.article.text, self._home.embedder, tokens) for item, _ in wanted]
        with self._clock("language"):
            articles = [_with_language(item) for item, _ in wanted]
        prepared = [
            Prepared(article, own, place.bands, place.cluster)
            for article, own, place in zip(articles, chunks, placed, strict=True)
        ]
        with self._clock("store"):
            self._home.index.commit(prepared, restore=self._restore)
        self._waiting += sum(len(item.chunks) for item in prepared)

    def _count(self, articles: Sequence[Article], verdicts: Sequence[Verdict]) -> None:
        for article, verdict in zip(articles, verdicts, strict=True):
            back = self._back.get(article.id)
            if back and precedes(article.published_at, back.published_at):
                # An old copy that is met late.
                pass
            elif verdict == "reverted":
                # Unchanged, unless nothing else is met of it by the end of the run.
                self._back[article.id] = Met.of(article)
            elif back:
                del self._back[article.id]
            self._verdicts["unchanged" if verdict == "reverted" else verdict] += 1

    def _revert(self) -> None:
        """Let articles read again as they did before, where that was the last to be met of them."""
        with self._clock("store"):
            changed = self._home.index.revert([*self._back.values()])
        self._verdicts.update({"updated": changed, "unchanged": -changed})
        if changed:
            self._waiting = self._home.index.backlog()

    def _note(self, batch: _Batch) -> None:
        for item in batch.items:
            if isinstance(item, ReadArticle):
                self._progress.article(item.where)
            elif isinstance(item, ReadFailure):
                self._failed.append((item.where, item.reason))
            else:
                self._warnings.append((item.where, item.reason))

    def _alike(self, bands: Sequence[str], article_id: str) -> dict[str, list[Story]]:
        found = self._home.index.alike(bands, article_id=article_id)
        return {cluster: [Story(one.text, one.published) for one in members] for cluster, members in found.items()}

    def _embed(self) -> None:
        """Work off the backlog."""

        def embedded(count: int) -> None:
            self._embedded += count
            self._waiting = max(0, self._waiting - count)
            self._progress.chunks(self._embedded, self._waiting)

        with self._clock("embed"):
            self._progress.chunks(self._embedded, self._waiting)
            self._home.index.drain(embedded)
        self._waiting = 0

    @contextmanager
    def _clock(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[stage] += time.perf_counter() - began
