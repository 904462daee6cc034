"""The bundled all-MiniLM-L6-v2 computed by onnxruntime, in float32 or in 8-bit integers."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

from qa.library.encoders import BUNDLED, bundled_path, verify_bundled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

_MAX_TOKENS = 256
"""Special tokens included, as the model's authors set it."""

_BATCH_TOKENS = 2_048
"""Tokens, padding included, computed at a time: larger batches fall out of the processor's cache."""

_PROBES = tuple(
    f"The ministry said on {day} that {count} of the {count * 3} bridges along the river would be rebuilt before the "
    f"end of the year, at a cost of {count} million, after the council had voted {count + 4} to {count} for it."
    for day, count in (("Monday", 12), ("Tuesday", 7), ("Friday", 31), ("Sunday", 4))
)
_MIN_COSINE = 0.97
_MIN_MEAN_COSINE = 0.99


class BundledEmbedder:
    """See ``Embedder``. ``backend`` is ``onnx-float32``, ``onnx-int8`` or ``auto``: measured when first used."""

    name = BUNDLED
    dimension = 384
    max_tokens = _MAX_TOKENS - 2

    def __init__(self, backend: str = "auto") -> None:
        self._asked = backend
        self._backend: str | None = None
        self._session: Any = None
        self._tokenizer: Any = None
        self._lock = threading.RLock()

    @property
    def backend(self) -> str:
        """What computes: the choice once it was made, before that what was asked for."""
        return self._backend or self._asked

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Code-point span of each content token of ``text``, in order, never truncated."""
        encoded = self._open_tokenizer().encode(text, add_special_tokens=False)
        return [(int(start), int(end)) for start, end in encoded.offsets]

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Unit vectors in the order of ``texts``; this model reads questions and documents alike."""
        import numpy as np

        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        if not texts:
            return vectors
        session = self._open_session()
        tokens = [self._truncated(encoded.ids) for encoded in self._open_tokenizer().encode_batch(list(texts))]
        for batch in _batches([len(ids) for ids in tokens]):
            vectors[batch] = _run(session, [tokens[i] for i in batch])
        return vectors

    def _truncated(self, ids: list[int]) -> list[int]:
        return ids if len(ids) <= _MAX_TOKENS else [*ids[: _MAX_TOKENS - 1], ids[-1]]

    def _open_tokenizer(self) -> Any:
        with self._lock:
            if self._tokenizer is None:
                from tokenizers import Tokenizer

                self._tokenizer = Tokenizer.from_file(str(bundled_path() / "tokenizer.json"))
                self._tokenizer.no_truncation()
                self._tokenizer.no_padding()
            return self._tokenizer

    def _open_session(self) -> Any:
        with self._lock:
            if self._session is None:
                self._backend, self._session = self._choose()
            return self._session

    def _choose(self) -> tuple[str, Any]:
        from safetensors.numpy import load_file

        path = bundled_path()
        verify_bundled(path)
        weights = load_file(str(path / "model.safetensors"))
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
        if self._asked != "auto":
            return self._asked, _session(weights, config, int8=self._asked == "onnx-int8")
        exact, fast = _session(weights, config, int8=False), _session(weights, config, int8=True)
        tokens = [self._truncated(encoded.ids) for encoded in self._open_tokenizer().encode_batch(list(_PROBES))]
        cosines = (_run(exact, tokens) * _run(fast, tokens)).sum(axis=1)
        good = cosines.min() >= _MIN_COSINE and cosines.mean() >= _MIN_MEAN_COSINE
        if good and _seconds(fast, tokens) < _seconds(exact, tokens):
            return "onnx-int8", fast
        return "onnx-float32", exact


def _session(weights: Any, config: dict[str, Any], *, int8: bool) -> Any:
    import onnxruntime

    from qa.library.bert_onnx import BertShape, build

    shape = BertShape(
        layers=config["num_hidden_layers"], heads=config["num_attention_heads"], epsilon=config["layer_norm_eps"]
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(build(weights, shape, int8=int8), options, providers=["CPUExecutionProvider"])


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Indices in groups of like length, so that little is padding."""
    groups: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if groups and lengths[groups[-1][0]] * (len(groups[-1]) + 1) <= _BATCH_TOKENS:
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def _run(session: Any, tokens: Sequence[Sequence[int]]) -> Vectors:
    """Mean of the last layer over the tokens, as unit vectors."""
    import numpy as np

    longest = max(len(ids) for ids in tokens)
    padded = np.zeros((len(tokens), longest), dtype=np.int64)
    mask = np.zeros((len(tokens), longest), dtype=np.int64)
    for row, ids in enumerate(tokens):
        padded[row, : len(ids)] = ids
        mask[row, : len(ids)] = 1
    (hidden,) = session.run(None, {"input_ids": padded, "attention_mask": mask})
    pooled = np.einsum("btd,bt->bd", hidden, mask.astype(np.float32))
    vectors: Vectors = (pooled / np.linalg.norm(pooled, axis=1, keepdims=True)).astype(np.float32)
    return vectors


def _seconds(session: Any, tokens: Sequence[Sequence[int]]) -> float:
    """The best of three runs: what else the machine does only ever makes a run slower."""
    best = float("inf")
    for _ in range(3):
        begun = perf_counter()
        _run(session, tokens)
        best = min(best, perf_counter() - begun)
    return best
