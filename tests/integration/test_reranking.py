"""Cross-encoders as sentence-transformers loads them, and what one makes of a search over a real home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qa.engine import Engine
from qa.errors import DatelineError, ModelMissingError, SettingsError
from qa.library.encoders import CrossEncoderReranker, bundled_path
from qa.library.reranking import Reranking
from qa.models import Ask
from qa.retrieve import Retriever
from qa.weighting import Weighting
from tests.conftest import ROOT, require
from tests.fakes import FakeReranker
from tests.integration.collection import ALL, TODAY, article, keep, reader, writer

QUESTION = "Who arrived in Brazil for talks about trade?"
WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] who arrived in brazil for talks about trade ? . the wheat lavrov".split()


def save_model(path: Path, *, labels: int = 1) -> Path:
    """A cross-encoder of two layers and random numbers, saved as any other is."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    torch.manual_seed(7)
    tokenizer = BertTokenizer(vocab={word: number for number, word in enumerate(WORDS)}, model_max_length=64)
    config = BertConfig(  # type: ignore[call-arg]  # every config takes num_labels
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        num_labels=labels,
        # Large enough for texts to differ.
        initializer_range=0.5,
    )
    BertForSequenceClassification(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("reranker"))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reranked") / "home"
    with writer(path) as home:
        keep(home, *ALL)
    return path


class TestCrossEncoder:
    def test_each_text_has_a_score_of_its_own_whatever_stands_beside_it(self, model: Path) -> None:
        reranker = CrossEncoderReranker(str(model))
        texts = ["Lavrov arrived in Brazil.", "The wheat.", "trade " * 500, ""]
        scores = reranker.scores(QUESTION, texts)
        assert [len(scores), len(set(scores))] == [4, 4]
        alone = [reranker.scores(QUESTION, [text])[0] for text in texts]
        assert scores == pytest.approx(alone, abs=1e-5)
        assert reranker.scores(QUESTION, []) == []

    def test_scores_are_as_the_model_has_them(self, model: Path) -> None:
        import torch
        from transformers import BertForSequenceClassification, BertTokenizer

        tokenizer, plain = BertTokenizer.from_pretrained(model), BertForSequenceClassification.from_pretrained(model)
        with torch.inference_mode():
            # No dropout: from_pretrained leaves a model as it is to be used.
            logits = plain(**tokenizer([QUESTION], ["The wheat."], return_tensors="pt")).logits
        assert CrossEncoderReranker(str(model)).scores(QUESTION, ["The wheat."]) == pytest.approx(
            [float(logits)], abs=1e-5
        )

    @pytest.mark.parametrize("name", ["cross-encoder/not-downloaded", "./not-there", "..", "a name of no kind"])
    def test_a_model_that_is_not_there_names_the_setting(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(ModelMissingError, match="DATELINE_RERANKER") as caught:
            CrossEncoderReranker(name).load()
        assert "\n" not in str(caught.value)
        assert "local path" in caught.value.hint

    def test_damaged_weights_are_an_error_too(self, model: Path, tmp_path: Path) -> None:
        copy = tmp_path / "copy"
        shutil.copytree(model, copy)
        (copy / "model.safetensors").write_bytes(b"no weights")
        with pytest.raises(ModelMissingError, match="DATELINE_RERANKER"):
            CrossEncoderReranker(str(copy)).load()

    def test_a_classifier_of_several_classes_is_no_reranker(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="3 classes"):
            CrossEncoderReranker(str(save_model(tmp_path, labels=3))).load()

    def test_an_embedding_model_is_no_reranker(self) -> None:
        try:
            weights = bundled_path()
        except ModelMissingError as error:
            require(False, str(error))
        with pytest.raises(SettingsError, match="for embeddings"):
            CrossEncoderReranker(str(weights)).load()


class TestRetrieval:
    @pytest.fixture
    def fake(self) -> Iterator[FakeReranker]:
        fake = FakeReranker()
        yield fake
        fake.gate.set()

    def test_the_reranker_orders_and_age_weighs(self, tmp_path: Path, fake: FakeReranker) -> None:
        old = article("old", "Bread prices rose by a tenth in Varren.", "2021-01-01")
        new = article("new", "Bread prices rose by a third in Varren.", "2023-04-18")
        vague = article("vague", "A bakery opened in Varren.", "2023-04-19")
        with writer(tmp_path / "home") as home:
            keep(home, old, new, vague)
            reranking = Reranking(fake, candidates=10, timeout=30)
            retriever = Retriever(home, candidates=50, per_article=2, weighting=Weighting(), reranking=reranking)
            found = retriever.retrieve("bread prices in Varren", Engine(home).filters(Ask("x", as_of=TODAY)), 3)
        assert [hit.passage.article_id for hit in found.hits] == ["new", "old", "vague"]
        best = found.hits[0]
        assert (best.rerank_score, best.reranked) == (8, 1)
        assert found.hits[1].reranked == 1
        assert found.hits[1].passage.score < best.passage.score
        assert found.notes == ()

    def test_only_the_best_are_read(self, path: Path, fake: FakeReranker) -> None:
        with reader(path) as home:
            reranking = Reranking(fake, candidates=2, timeout=30)
            retriever = Retriever(home, candidates=50, per_article=2, weighting=Weighting(), reranking=reranking)
            found = retriever.retrieve(QUESTION, Engine(home).filters(Ask("x", as_of=TODAY)), 5)
        assert sum(map(len, fake.batches)) == 2
        # What was read comes first.
        unread = [hit.rerank_score is None for hit in found.hits]
        assert unread == sorted(unread)
        assert (unread[0], unread[-1]) == (False, True)

    def test_glued_words_are_read_apart(self, tmp_path: Path, fake: FakeReranker) -> None:
        with writer(tmp_path / "home") as home:
            keep(home, article("glued", "The ministerannounced a visit to Brazil.", "2023-04-18"))
            reranking = Reranking(fake, timeout=30)
            retriever = Retriever(home, candidates=50, per_article=2, weighting=Weighting(), reranking=reranking)
            (hit,) = retriever.retrieve("visit", Engine(home).filters(Ask("x", as_of=TODAY)), 5).hits
        assert fake.batches == [["The minister announced a visit to Brazil."]]
        assert hit.passage.text == "The ministerannounced a visit to Brazil."

    def test_out_of_time_the_order_is_as_without_and_a_note_says_so(self, path: Path, fake: FakeReranker) -> None:
        fake.gate.clear()
        with reader(path) as home:
            reranking = Reranking(fake, timeout=0.1)
            filters = Engine(home).filters(Ask("x", as_of=TODAY))
            without = Retriever(home, candidates=50, per_article=2, weighting=Weighting())
            late = Retriever(home, candidates=50, per_article=2, weighting=Weighting(), reranking=reranking)
            found = late.retrieve(QUESTION, filters, 5)
            assert found.hits == without.retrieve(QUESTION, filters, 5).hits
        assert found.notes == ("passages are not reranked: the reranker took longer than 0.1 s",)


class TestEngine:
    async def test_the_settings_name_it_and_search_explains_it(self, path: Path, model: Path) -> None:
        with reader(path, reranker=str(model), rerank_candidates=2, rerank_timeout=60) as home:
            engine = Engine(home)
            engine.warm()
            found = await engine.search(Ask(QUESTION, as_of=TODAY), k=5)
            answer = await engine.answer(Ask(QUESTION, as_of=TODAY))
        scores = [hit.rerank_score for hit in found.hits]
        assert scores[0] is not None
        assert scores[-1] is None
        assert found.hits[0].passage.score == pytest.approx(
            (found.hits[0].reranked or 0) ** 1.5 * found.hits[0].age_weight, abs=1e-5
        )
        assert answer.warnings == ()
        assert answer.passages[0].chunk_id == found.passages[0].chunk_id

    async def test_one_that_is_not_there_is_an_error_at_the_first_question(self, path: Path) -> None:
        with reader(path, reranker="cross-encoder/not-downloaded") as home:
            engine = Engine(home)
            asks: list[DatelineError] = []
            for _ in range(2):
                with pytest.raises(ModelMissingError) as caught:
                    await engine.answer(Ask(QUESTION, as_of=TODAY))
                asks.append(caught.value)
            with pytest.raises(ModelMissingError):
                await engine.search(Ask(QUESTION, as_of=TODAY), k=3)
        assert all("DATELINE_RERANKER=cross-encoder/not-downloaded" in str(error) for error in asks)

    async def test_an_answer_made_without_it_says_so(self, path: Path, model: Path) -> None:
        with reader(path, reranker=str(model), rerank_timeout=0.000_001) as home:
            answer = await Engine(home).answer(Ask(QUESTION, as_of=TODAY))
        assert not answer.abstained
        assert answer.warnings[0].startswith("passages are not reranked: the reranker took longer than")

    async def test_questions_at_the_same_time_are_all_answered(self, path: Path, model: Path) -> None:
        import asyncio

        with reader(path, reranker=str(model), rerank_timeout=60) as home:
            engine = Engine(home)
            asks = [Ask(f"{QUESTION} ({n})", as_of=TODAY) for n in range(6)]
            answers = await asyncio.gather(*(engine.answer(ask) for ask in asks))
        assert [answer.question for answer in answers] == [ask.question for ask in asks]
        assert {answer.warnings for answer in answers} == {()}


def test_the_command_line_shows_the_score(path: Path, model: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    article_file = tmp_path / "a.txt"
    article_file.write_text("date: 2023-04-17\n\nLavrov arrived in Brazil for talks about trade.\n", encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "DATELINE_HOME": str(home), "DATELINE_RERANKER": str(model)}
    env |= {"DATELINE_RERANK_TIMEOUT": "60"}
    for command in (["ingest", str(article_file)], ["search", QUESTION, "--explain"]):
        ran = subprocess.run(
            [sys.executable, "-m", "api.cli", *command], capture_output=True, encoding="utf-8", env=env, timeout=300
        )
        assert ran.returncode == 0, ran.stderr
    assert "; reranked 1.0000 (score " in ran.stdout
