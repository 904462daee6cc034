"""The bundled weights as they are: verified, exact, and good enough to find a paraphrase."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from qa.engine import Engine
from qa.errors import ModelMissingError, SettingsError
from qa.library import bundled, encoders
from qa.library.bundled import FEW
from qa.library.encoders import (
    BUNDLED,
    MEASURED,
    Embedder,
    SentenceTransformerEmbedder,
    bundled_path,
    make_embedder,
    verify_bundled,
)
from qa.library.home import open_home
from qa.models import Ask
from tests.conftest import ROOT, require
from tests.integration.collection import article, keep, settings

_BACKENDS = ("torch", *sorted(MEASURED))
_TEXTS = [
    "The central bank raised interest rates by half a point.",
    "Borrowing costs went up after the monetary authority's decision.",
    "A penguin waddled across the ice.",
    "Крах банка 🏦 in Zürich, naïve café — 北京.",
    "word " * 600,
    "",
]


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    try:
        bundled_path()
    except ModelMissingError as error:
        require(False, str(error))


@pytest.fixture(scope="module")
def embedders() -> dict[str, Embedder]:
    return {backend: make_embedder(BUNDLED, backend=backend) for backend in _BACKENDS}


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the weights with one byte changed, in the place of the real ones."""
    copy = tmp_path / "model"
    shutil.copytree(bundled_path(), copy)
    weights = copy / "model.safetensors"
    weights.chmod(0o644)
    with weights.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))
    for module in (encoders, bundled):
        monkeypatch.setattr(module, "bundled_path", lambda: copy)
    return copy


def test_the_weights_are_the_published_ones() -> None:
    verify_bundled(bundled_path())


@pytest.mark.parametrize("backend", ["torch", "onnx-float32", "auto"])
def test_damaged_weights_are_refused_with_the_way_to_mend_them(damaged: Path, backend: str) -> None:
    with pytest.raises(ModelMissingError, match="damaged") as caught:
        make_embedder(BUNDLED, backend=backend).embed(["text"])
    assert "pip install --force-reinstall" in caught.value.hint


def test_missing_weights_are_refused(damaged: Path) -> None:
    (damaged / "model.safetensors").unlink()
    with pytest.raises(ModelMissingError, match="missing"):
        make_embedder(BUNDLED).embed(["text"])


def test_weights_that_are_not_installed_name_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "_BUNDLED_PACKAGE", "no_such_package")
    with pytest.raises(ModelMissingError, match="not installed"):
        bundled_path()


@pytest.mark.parametrize("backend", _BACKENDS)
def test_vectors_are_of_unit_length_one_for_each_text_in_order(embedders: dict[str, Embedder], backend: str) -> None:
    embedder = embedders[backend]
    vectors = embedder.embed(_TEXTS)
    assert vectors.shape == (len(_TEXTS), embedder.dimension) == (len(_TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    # Whom a text is computed with makes no difference that matters.
    alone = np.vstack([embedder.embed([text]) for text in _TEXTS])
    assert (alone * vectors).sum(axis=1).min() > 0.9999
    assert embedder.embed([]).shape == (0, 384)


@pytest.mark.parametrize(
    ("backend", "least"), [("onnx-float32", 0.9999), ("torch-bfloat16", 0.999), ("onnx-int8", 0.95)]
)
def test_every_backend_computes_the_same_model(embedders: dict[str, Embedder], backend: str, least: float) -> None:
    many = (_TEXTS * FEW)[: FEW + 2]
    exact, other = embedders["torch"].embed(many), embedders[backend].embed(many)
    assert (exact * other).sum(axis=1).min() > least
    question = [_TEXTS[1]]
    # A question's vector is exact whatever computes the passages'.
    asked = [embedders[name].embed(question, query=True)[0] for name in ("torch", backend)]
    assert float(asked[0] @ asked[1]) > 0.9999


def test_one_question_never_loads_torch() -> None:
    told = "import sys; from qa.library.encoders import make_embedder as make; make('all-MiniLM-L6-v2').embed(['Why?'])"
    code = f"{told}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("backend", _BACKENDS)
def test_a_paraphrase_is_nearer_than_another_matter(embedders: dict[str, Embedder], backend: str) -> None:
    rates, paraphrase, penguin = embedders[backend].embed(_TEXTS[:3])
    assert rates @ paraphrase > rates @ penguin + 0.2


@pytest.mark.parametrize("backend", _BACKENDS)
def test_token_spans_are_slices_of_the_text_and_never_truncated(embedders: dict[str, Embedder], backend: str) -> None:
    embedder = embedders[backend]
    for text in _TEXTS:
        spans = embedder.token_spans(text)
        assert all(0 <= start < end <= len(text) for start, end in spans)
        assert spans == sorted(spans)
    assert [_TEXTS[0][start:end] for start, end in embedder.token_spans(_TEXTS[0])][:4] == [
        "The",
        "central",
        "bank",
        "raised",
    ]
    assert len(embedder.token_spans(_TEXTS[4])) == 600 > embedder.max_tokens == 254


def test_what_lies_beyond_the_models_limit_does_not_count(embedders: dict[str, Embedder]) -> None:
    head = "bank " * 254
    for embedder in embedders.values():
        one, other = embedder.embed([head + "penguin", head + "drought"])
        assert float(one @ other) > 0.9999


def test_a_model_that_is_not_here_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelMissingError, match="no-such/model"):
        SentenceTransformerEmbedder("no-such/model").embed(["text"])
    with pytest.raises(SettingsError, match="DATELINE_EMBEDDING_BACKEND"):
        make_embedder("no-such/model", backend="onnx-int8")


async def test_dateline_finds_and_quotes_a_paraphrase(tmp_path: Path) -> None:
    with open_home(settings(tmp_path / "home"), write="ingest") as home:
        keep(
            home,
            article("rates", "The central bank raised interest rates by half a point on Thursday.", "2023-04-17"),
            article("zoo", "A penguin escaped from the city zoo and was seen in a fountain.", "2023-04-18"),
        )
        assert home.index.status().embedding_model == BUNDLED
        ask = Ask("Which animal got away?", as_of=date(2023, 4, 19))
        found = await Engine(home).search(ask, k=2)
    assert found.passages[0].article_id == "zoo"
    # Not by any word of the question, only by what it means.
    assert found.hits[0].lexical_rank is None


def test_what_computes_is_measured_once_in_the_life_of_a_home(tmp_path: Path) -> None:
    terms = settings(tmp_path / "home")
    with open_home(terms, write="ingest") as home:
        texts = (f"The river burst its banks {number} times that night." for number in range(FEW + 1))
        keep(home, *(article(f"a{number}", text) for number, text in enumerate(texts)))
        chosen = home.embedder.backend
    assert chosen in MEASURED
    with open_home(terms) as home:
        assert home.embedder.backend == chosen, "before anything was measured"
