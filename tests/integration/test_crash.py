"""Never lost, never doubled: an ingest is killed, interrupted, run into errors and full disks; a rerun makes it whole.

``DATELINE_TEST_KILLS`` is how often a process is killed (8), ``DATELINE_TEST_SEED`` repeats a run that failed.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import OperationalError

from ingest.pipeline import Pipeline
from qa.errors import StoreError, VectorsDamagedError
from qa.library.home import Home, open_home
from qa.settings import Settings
from tests.fakes import FakeEmbedder
from tests.integration import collection
from tests.integration.victims import BATCH, Nursery, Order, nursery, other_embedder

KILLS = int(os.environ.get("DATELINE_TEST_KILLS", "8"))
STRIKES_A_HOME = 3
EVERY_CHUNK = "council"
"""A word that each sentence of the corpus holds."""
NAMES = ("Anna Berg", "Ivo Castell", "Mara Dunn", "Olaf Ekström", "Petra Farouk", "Quentin Gray", "Rosa Hahn")
DEEDS = ("opened the bridge", "closed the mill", "bought the ferry", "sued the bank", "painted the station")

State = dict[str, Any]


@pytest.fixture
def seed() -> int:
    """What the test's dice are seeded with; shown when it fails."""
    told = int(os.environ.get("DATELINE_TEST_SEED") or random.SystemRandom().randrange(2**32))
    sys.stderr.write(f"repeat this with DATELINE_TEST_SEED={told}\n")
    return told


def story(dice: random.Random, number: int) -> str:
    """Twelve sentences, some 4 chunks, unlike any other story's."""
    return " ".join(
        f"On day {number * 100 + n} {dice.choice(NAMES)} told the council that district {dice.randrange(900)} had"
        f" {dice.choice(DEEDS)} for {dice.randrange(10_000)} crowns."
        for n in range(12)
    )


def write_corpus(folder: Path) -> tuple[Path, ...]:
    """60 records in two files: 42 new articles, 8 corrected ones, 5 met twice and 5 reprinted under another URL."""
    dice = random.Random(3)
    day = date(2024, 1, 1)
    fresh = [
        {
            "url": f"https://news.test/{n}",
            "title": f"Story {n}",
            "text": story(dice, n),
            "published": (day + timedelta(days=n)).isoformat(),
            "source": f"outlet{n % 4}",
        }
        for n in range(42)
    ]
    corrected = [
        {**one, "text": story(dice, 100 + n), "published": (day + timedelta(days=60 + n)).isoformat()}
        for n, one in enumerate(dice.sample(fresh, 8))
    ]
    again = dice.sample(fresh, 5)
    reprinted = [{**one, "url": f"{one['url']}-reprint", "source": "mirror"} for one in dice.sample(fresh, 5)]
    records = [*fresh[:25], *corrected_of(corrected, fresh[:25]), *again, *fresh[25:]]
    late = [*corrected_of(corrected, fresh[25:]), *reprinted]
    dice.shuffle(late)
    files = (folder / "first.jsonl", folder / "second.jsonl")
    for file, some in zip(files, (records[:35], [*records[35:], *late]), strict=True):
        file.write_text("".join(json.dumps(record) + "\n" for record in some), encoding="utf-8")
    return files


def corrected_of(corrected: list[dict[str, str]], articles: list[dict[str, str]]) -> list[dict[str, str]]:
    """Corrections of these articles."""
    urls = {one["url"] for one in articles}
    return [one for one in corrected if one["url"] in urls]


def opened(path: Path, embedder: FakeEmbedder | None = None) -> Home:
    return open_home(Settings(home=path), write="ingest", embedder=embedder or FakeEmbedder())


def ingest(home: Home, files: tuple[Path, ...]) -> None:
    Pipeline(home, batch_size=8).run(files)


def state_of(home: Home) -> State:
    """All that a collection holds, by id. Fails where the three stores do not hold the same, each chunk once."""
    try:
        problems = home.index.check().problems
    except VectorsDamagedError:
        # Struck in the instant in which Chroma writes its index: the error names the way to mend it, which does.
        home.index.check(repair=True)
        problems = home.index.check().problems
    assert problems == ()
    ids = sorted(home.store.ids())
    chunks = home.catalog.chunks_by_id(ids)
    assert sorted(one for one, _ in home.lexical.search(EVERY_CHUNK, 10_000)) == ids
    assert sorted(home.lexical.ids()) == ids == sorted(chunks)
    assert home.store.count() == home.catalog.chunk_count() == len(ids)
    state: State = {one: {**asdict(chunk), "version_key": None} for one, chunk in chunks.items()}
    listing = home.catalog.articles(limit=1_000)
    assert listing.next_cursor is None
    for item in listing.items:
        stored = home.catalog.article(item.article.id)
        versions = [(v.number, v.text_hash, v.published, v.valid_from, v.valid_to) for v in stored.versions]
        state[stored.article.id] = {**asdict(stored.article), "versions": versions, "chunks": stored.chunks}
    assert home.index.status().chunks == len(ids)
    return state


def vectors_fit(home: Home, state: State) -> None:
    """Each chunk's vector is that of its own text."""
    chunks = {one: held["text"] for one, held in state.items() if "ordinal" in held}
    for (one, text), vector in zip(chunks.items(), home.embedder.embed(list(chunks.values())), strict=True):
        ((found, cosine),) = home.store.nearest(vector, 1, among=[one])
        assert found == one
        assert cosine == pytest.approx(1, abs=1e-4), text


def generations(home: Home) -> set[str]:
    """Names of the vectors. A kill while Chroma writes makes them unreadable, all is made anew, and has a new name."""
    known = home.catalog.facts()
    return {known.get("vectors", ""), json.loads(known.get("reembedding", "{}")).get("generation", "")} - {""}


def recovered(home: Path, *, fewest: int = 0) -> State:
    """The state after the next start has done what was left undone, in a copy: the home itself stays as it was left.

    ``fewest`` is how many chunks are known to have a vector.
    """
    copy = home.with_name("copy")
    shutil.copytree(home, copy)
    try:
        with opened(copy) as again:
            assert again.index.status().embedded >= fewest or generations(again)
            again.index.drain()
            assert again.index.backlog() == 0
            return state_of(again)
    finally:
        shutil.rmtree(copy)


@dataclass(frozen=True)
class Undisturbed:
    """A corpus, what an ingest of it that nothing disturbs ends in, and how many seconds it takes."""

    home: Path
    files: tuple[Path, ...]
    state: State
    seconds: float


@pytest.fixture(scope="module")
def victims(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with (tmp_path_factory.mktemp("nursery") / "errors.txt").open("w+") as errors:
        with nursery(errors) as nurse:
            yield nurse
        errors.seek(0)
        sys.stderr.write(errors.read())


@pytest.fixture(scope="module")
def undisturbed(victims: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    files = write_corpus(folder)
    fate = victims.run(order(folder / "home", files))
    assert fate.code == 0
    with opened(folder / "home") as home:
        assert home.index.backlog() == 0
        state = state_of(home)
        vectors_fit(home, state)
    return Undisturbed(folder / "home", files, state, fate.seconds)


def order(home: Path, files: tuple[Path, ...], **told: Any) -> Order:
    return Order(str(home), tuple(map(str, files)), **told)


def part_of(state: State, whole: State) -> bool:
    """Whether every chunk of ``state`` is in ``whole`` with the same words."""
    return all(one in whole and held["text"] == whole[one]["text"] for one, held in state.items() if "ordinal" in held)


def test_the_corpus_has_what_it_is_to_have(undisturbed: Undisturbed) -> None:
    lines = [line for file in undisturbed.files for line in file.read_text(encoding="utf-8").splitlines()]
    held = [one for one in undisturbed.state.values() if "versions" in one]
    assert len(lines) == 60
    assert len(held) == 42 + 5
    assert sum(len(one["versions"]) for one in held) == 42 + 5 + 8
    assert len(undisturbed.state) > 47 + 3 * 60


@pytest.mark.slow
@pytest.mark.timeout(60 + 30 * KILLS)
def test_an_ingest_struck_at_random_moments_ends_as_one_that_was_not(
    victims: Nursery, undisturbed: Undisturbed, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    strikes = [signal.SIGKILL] * KILLS + [signal.SIGINT] * (1 + KILLS // 8)
    dice.shuffle(strikes)
    # Where a run is over before its strike, the next one begins anew; that so many are is out of the question.
    for number in range(20 + 5 * KILLS):
        if not strikes:
            break
        home = tmp_path / str(number) / "home"
        home.parent.mkdir()
        _ingest_until_done(dice, strikes, home, victims, undisturbed)
        with opened(home) as again:
            assert again.index.backlog() == 0
            state = state_of(again)
            assert state == undisturbed.state
            vectors_fit(again, state)
    assert not strikes


def _ingest_until_done(
    dice: random.Random, strikes: list[signal.Signals], home: Path, victims: Nursery, undisturbed: Undisturbed
) -> None:
    """Ingest until a run gets to its end, the first ones struck; takes the strikes that hit away.

    The home is looked at in copies, so that a run also meets what the run before it left, and is struck while mending.
    """
    before: State = {}
    embedded = 0
    # Struck too often it would come to have everything, and further strikes would prove little.
    for _ in range(STRIKES_A_HOME):
        if not strikes:
            break
        after = dice.uniform(0, undisturbed.seconds)
        fate = victims.run(order(home, undisturbed.files, after=after, signal=int(strikes[-1])))
        if fate.code == 0:
            return
        assert fate.code == (130 if strikes[-1] == signal.SIGINT else -signal.SIGKILL), fate
        strikes.pop()
        if home.exists():
            state = recovered(home, fewest=embedded + fate.embedded)
            assert part_of(state, undisturbed.state)
            assert before.keys() <= state.keys()
            before, embedded = state, embedded + fate.embedded
    assert victims.run(order(home, undisturbed.files)).code == 0


def meanwhile(home: Home, folder: Path) -> None:
    """What else may happen to a collection while a re-embedding of it is half-done."""
    extra = folder / "extra.jsonl"
    dice = random.Random(7)
    records = [{"id": f"extra{n}", "text": story(dice, 200 + n), "published": f"2024-06-0{n + 1}"} for n in range(3)]
    extra.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    for item in home.catalog.articles(limit=1_000).items[::9]:
        home.index.delete(item.article.id)
    ingest(home, (extra,))


@pytest.fixture(scope="module")
def changed(victims: Nursery, undisturbed: Undisturbed, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """What a re-embedding that nothing disturbs ends in: the same as an ingest with the other model."""
    folder = tmp_path_factory.mktemp("changed")
    shutil.copytree(undisturbed.home, folder / "home")
    fate = victims.run(order(folder / "home", (), reembed=True))
    assert fate.code == 0
    with opened(folder / "home", other_embedder()) as home:
        assert fate.embedded > 4 * BATCH
        state = state_of(home)
        vectors_fit(home, state)
        meanwhile(home, folder)
        after = state_of(home)
    with opened(folder / "fresh", other_embedder()) as home:
        ingest(home, undisturbed.files)
        assert state_of(home) == state
    return Undisturbed(folder / "home", undisturbed.files, after, fate.seconds)


def serving(path: Path) -> FakeEmbedder:
    """An embedder of the model whose vectors serve."""
    with open_home(Settings(home=path), embedder=FakeEmbedder(), any_model=True) as home:
        return FakeEmbedder() if home.index.status().embedding_model == "fake" else other_embedder()


@pytest.mark.slow
@pytest.mark.timeout(60 + 30 * KILLS)
def test_a_re_embedding_struck_at_random_moments_ends_as_one_that_was_not(
    victims: Nursery, undisturbed: Undisturbed, changed: Undisturbed, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    strikes = [signal.SIGKILL] * KILLS + [signal.SIGINT] * (1 + KILLS // 8)
    dice.shuffle(strikes)
    for number in range(20 + 5 * KILLS):
        if not strikes:
            break
        home = tmp_path / str(number) / "home"
        shutil.copytree(undisturbed.home, home)
        _reembed_until_done(dice, strikes, home, victims, undisturbed.state, changed)
        with opened(home, other_embedder()) as again:
            state = state_of(again)
            assert state == changed.state
            vectors_fit(again, state)
            assert len([one for one in home.iterdir() if one.name.startswith("chroma")]) == 1
        shutil.rmtree(home.parent)
    assert not strikes


def _reembed_until_done(
    dice: random.Random, strikes: list[signal.Signals], home: Path, victims: Nursery, before: State, after: Undisturbed
) -> None:
    """Re-embed one home, struck up to ``STRIKES_A_HOME`` times; somewhere on the way other things happen to it."""
    waiting, done, names = True, 0, set[str]()
    for _ in range(STRIKES_A_HOME):
        if not strikes:
            break
        moment = dice.uniform(0, after.seconds)
        fate = victims.run(order(home, (), reembed=True, after=moment, signal=int(strikes[-1])))
        if fate.code == 0:
            break
        assert fate.code == (130 if strikes[-1] == signal.SIGINT else -signal.SIGKILL), fate
        strikes.pop()
        embedder = serving(home)
        with opened(home, embedder) as between:
            state, change = state_of(between), between.index.status().reembedding
            vectors_fit(between, state)
            if change is not None:
                # Nothing that is done is done again.
                assert change.done >= done + fate.embedded or generations(between) != names
                done, names = change.done, generations(between)
            if embedder.name == "fake" and waiting:
                assert state == before
            if waiting and dice.random() < 0.5:
                meanwhile(between, home.parent)
                waiting, done = False, 0
    assert victims.run(order(home, (), reembed=True)).code == 0
    if waiting:
        with opened(home, other_embedder()) as last:
            meanwhile(last, home.parent)


@pytest.mark.slow
def test_a_disk_that_is_full_costs_nothing_that_was_kept(
    victims: Nursery, undisturbed: Undisturbed, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    home = tmp_path / "home"
    limits = sorted(dice.randrange(4_096, 2**20) for _ in range(2))
    before: State = {}
    for limit in limits:
        fate = victims.run(order(home, undisturbed.files, file_limit=limit))
        # Either it failed by name or there was room enough; it never breaks down.
        assert fate.code in (0, 1), (limit, fate)
        if (home / "catalogue.sqlite").exists():
            state = recovered(home)
            assert part_of(state, undisturbed.state)
            assert before.keys() <= state.keys()
            before = state
    assert victims.run(order(home, undisturbed.files)).code == 0
    with opened(home) as again:
        state = state_of(again)
        assert state == undisturbed.state
        vectors_fit(again, state)


@contextmanager
def failing(owner: Any, name: str, error: Callable[[], Exception], at: int, *, late: bool) -> Iterator[list[int]]:
    """Let the call number ``at`` (from 0) of a method fail, ``late``: after it has done its work."""
    real = getattr(owner, name)
    calls: list[int] = []

    def method(*args: Any, **options: Any) -> Any:
        calls.append(len(calls))
        if calls[-1] != at:
            return real(*args, **options)
        if late:
            real(*args, **options)
        raise error()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, method)
        yield calls


def full() -> Exception:
    return StoreError("No space left on device")


def full_database() -> Exception:
    return OperationalError("commit", {}, Exception("database or disk is full"))


@pytest.mark.parametrize("part", ["vectors", "words"])
def test_an_error_of_a_store_in_the_middle_stops_the_run_and_a_rerun_makes_it_whole(
    part: str, undisturbed: Undisturbed, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.library.embedding.EMBED_BATCH", BATCH)
    dice = random.Random(seed)
    with opened(tmp_path / "home") as home:
        owner, name = (home.store, "upsert") if part == "vectors" else (home.lexical, "update")
        for late in (False, True):
            at = dice.randrange(3)
            with failing(owner, name, full, at, late=late), pytest.raises(StoreError, match="No space left"):
                ingest(home, undisturbed.files)
        ingest(home, undisturbed.files)
        state = state_of(home)
        assert state == undisturbed.state
        vectors_fit(home, state)


def test_a_catalogue_that_cannot_write_at_random_moments_loses_nothing(
    undisturbed: Undisturbed, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    with opened(tmp_path / "home") as home:
        for _ in range(3):
            at = dice.randrange(40)
            ended = False
            with failing(DefaultDialect, "do_commit", full_database, at, late=False) as commits, suppress(StoreError):
                ingest(home, undisturbed.files)
                ended = True
            assert ended == (len(commits) <= at)
        ingest(home, undisturbed.files)
        state = state_of(home)
        assert state == undisturbed.state
        vectors_fit(home, state)


def test_a_commit_of_the_lexical_index_cut_off_before_it_counted_is_done_again(tmp_path: Path) -> None:
    with collection.writer(tmp_path / "home") as home:
        collection.keep(home, *collection.ALL)
    lexical, after = tmp_path / "home" / "lexical", tmp_path / "after"
    shutil.copytree(tmp_path / "home", after)
    moved = replace(collection.LAVROV, title="Another title")
    with collection.writer(after) as home:
        collection.keep(home, moved)
    # All files of the commit are there, but not what makes them count.
    for file in (after / "lexical").iterdir():
        if file.name != "meta.json":
            shutil.copy(file, lexical)
    with collection.writer(tmp_path / "home") as home:
        collection.keep(home, moved)
        assert home.index.check().problems == ()
        assert home.lexical.ids() == home.store.ids()
