"""The bundled all-MiniLM-L6-v2, computed by whatever this machine computes it fastest with.

Questions and small calls are computed by onnxruntime in float32, which starts in a fraction of a second: that a
command of one question never loads torch, and that a question's vector is always the same, both rest on it. Many texts
at once are computed in float32, in 8-bit integers (onnxruntime) or in bfloat16 (torch).
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import TYPE_CHECKING, Any

from qa.library.encoders import BUNDLED, bundled_path, verify_bundled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qa.library.bert_torch import Lanes

    Vectors = NDArray[np.float32]
    Forward = Callable[[NDArray[np.int64], NDArray[np.int64]], Vectors]
    """Token ids and mask, (rows, tokens) each, to the mean vectors of the rows, (rows, width)."""

EXACT = "onnx-float32"
TORCH = "torch-bfloat16"
_FAST = (TORCH, "onnx-int8")

FEW = 64
"""A call of up to so many texts is computed in float32, whatever computes the larger ones."""

_MAX_TOKENS = 256
"""Special tokens included, as the model's authors set it."""

_BATCH_TOKENS = 1_024
_BATCH_TOKENS_EXACT = 256
"""Tokens, padding included, computed at a time: larger batches fall out of the processor's cache, and the few sentences
of one question are then mostly padding (24 of them took 84 ms in batches of 256, 116 in 1,024, 146 in 2,048)."""

_PADDING_TOKENS = 4
"""A text is computed with longer ones if it is shorter by no more than so many tokens, or an eighth of the longest."""

_PROBES = 10 * tuple(
    f"The ministry said on {day} that {count} of the {count * 3} bridges along the river would be rebuilt before the "
    f"end of the year, at a cost of {count} million, after the council had voted {count + 4} to {count} for it."
    for day, count in (("Monday", 12), ("Tuesday", 7), ("Friday", 31), ("Sunday", 4))
)
_RUNS = 4
_FAST_ENOUGH = 2.5
"""How much faster one has to be that the rest are not tried: trying one costs a second and 400 MB."""
_MIN_COSINE = 0.97
_MIN_MEAN_COSINE = 0.99


class BundledEmbedder:
    """See ``Embedder``.

    ``backend`` is what computes calls of many texts: ``onnx-float32``, ``onnx-int8``, ``torch-bfloat16``, or ``auto``:
    the fastest of those that are exact enough, measured at the first such call.
    """

    name = BUNDLED
    dimension = 384
    max_tokens = _MAX_TOKENS - 2

    def __init__(self, backend: str = "auto") -> None:
        self._asked = backend
        self._chosen: str | None = None if backend == "auto" else backend
        self._forwards: dict[str, Forward] = {}
        self._model: _Model | None = None
        self._tokenizer: Any = None
        self._lanes: Lanes | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.RLock()

    @property
    def backend(self) -> str:
        """What computes many texts: the choice once it was made, before that what was asked for."""
        return self._chosen or self._asked

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Code-point span of each content token of ``text``, in order, never truncated."""
        encoded = self._open_tokenizer().encode(text, add_special_tokens=False)
        spans: list[tuple[int, int]] = encoded.offsets
        return spans

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Unit vectors in the order of ``texts``; this model reads questions and documents alike."""
        if not texts:
            import numpy as np

            return np.zeros((0, self.dimension), dtype=np.float32)
        name = EXACT if query or len(texts) <= FEW else self._fastest()
        return self._compute(name, self._tokens(texts))

    def _compute(self, name: str, tokens: Sequence[Sequence[int]]) -> Vectors:
        """Unit vectors in the order of ``tokens``."""
        import numpy as np

        forward = self._forward(name)
        vectors = np.zeros((len(tokens), self.dimension), dtype=np.float32)

        def compute(batch: list[int]) -> None:
            vectors[batch] = _run(forward, [tokens[i] for i in batch])

        most = _BATCH_TOKENS_EXACT if name == EXACT else _BATCH_TOKENS
        batches = _batches([len(ids) for ids in tokens], most)
        if name == TORCH:
            self._side_by_side().each(compute, batches)
        elif len(batches) == 1:
            compute(batches[0])
        else:
            list(self._threads().map(compute, batches))
        return vectors

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_processors(), thread_name_prefix="dateline-embed")
            return self._pool

    def _side_by_side(self) -> Lanes:
        with self._lock:
            if self._lanes is None:
                from qa.library.bert_torch import Lanes

                self._lanes = Lanes(_processors())
            return self._lanes

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        found = [encoded.ids for encoded in self._open_tokenizer().encode_batch_fast(list(texts))]
        return [ids if len(ids) <= _MAX_TOKENS else [*ids[: _MAX_TOKENS - 1], ids[-1]] for ids in found]

    def _open_tokenizer(self) -> Any:
        with self._lock:
            if self._tokenizer is None:
                from tokenizers import Tokenizer

                self._tokenizer = Tokenizer.from_file(str(bundled_path() / "tokenizer.json"))
                self._tokenizer.no_truncation()
                self._tokenizer.no_padding()
            return self._tokenizer

    def _fastest(self) -> str:
        with self._lock:
            if self._chosen is None:
                self._chosen = self._choose()
            return self._chosen

    def _choose(self) -> str:
        tokens = self._tokens(_PROBES)
        expected = self._compute(EXACT, tokens)
        chosen = EXACT
        for name in _FAST:
            cosines = (self._compute(name, tokens) * expected).sum(axis=1)
            if cosines.min() < _MIN_COSINE or cosines.mean() < _MIN_MEAN_COSINE:
                continue
            before, now = self._race(chosen, name, tokens)
            if now < before:
                chosen = name
            if now * _FAST_ENOUGH <= before:
                break
        # What was tried and found slower need not stay in memory.
        self._forwards = {name: self._forwards[name] for name in {EXACT, chosen}}
        return chosen

    def _race(self, one: str, other: str, tokens: Sequence[Sequence[int]]) -> tuple[float, float]:
        """Seconds each takes: the best of some runs in turn, as what else goes on only ever makes a run slower."""
        best = {one: float("inf"), other: float("inf")}
        for _ in range(_RUNS):
            for name in best:
                begun = perf_counter()
                self._compute(name, tokens)
                best[name] = min(best[name], perf_counter() - begun)
        return best[one], best[other]

    def _forward(self, name: str) -> Forward:
        with self._lock:
            if name not in self._forwards:
                if self._model is None:
                    self._model = _Model()
                self._forwards[name] = self._model.forward(name)
            return self._forwards[name]


class _Model:
    """The verified weights, and what can be made of them."""

    def __init__(self) -> None:
        from qa.library.bert_onnx import BertShape

        path = bundled_path()
        verify_bundled(path)
        self._file = path / "model.safetensors"
        told = json.loads((path / "config.json").read_text(encoding="utf-8"))
        self._shape = BertShape(
            layers=told["num_hidden_layers"], heads=told["num_attention_heads"], epsilon=told["layer_norm_eps"]
        )

    def _load(self) -> dict[str, NDArray[np.float32]]:
        """The weights, read when they are needed, which is once or twice: kept they would be 90 MB for nothing."""
        from safetensors.numpy import load_file

        return load_file(str(self._file))

    def forward(self, name: str) -> Forward:
        if name == TORCH:
            from qa.library.bert_torch import BertBfloat16

            return BertBfloat16(self._load(), self._shape)
        return self._session(int8=name == "onnx-int8")

    def _session(self, *, int8: bool) -> Forward:
        import numpy as np
        import onnxruntime

        from qa.library.bert_onnx import build

        options = onnxruntime.SessionOptions()
        # One: a question is too short to be shared out, and threads that wait for each other cost twice the processor
        # time. Several batches are computed side by side instead.
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        # Between calls, too, the threads would keep every processor busy waiting for the next one.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        graph = build(self._load(), self._shape, int8=int8)
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

        def forward(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Vectors:
            (hidden,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
            mean: Vectors = np.einsum("btd,bt->bd", hidden, mask.astype(np.float32)) / mask.sum(axis=1, keepdims=True)
            return mean

        return forward


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _batches(lengths: Sequence[int], most: int) -> list[list[int]]:
    """Indices in groups of like length and of at most so many tokens.

    Padding costs as much as tokens do, and a further call about four of them.
    """
    groups: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        longest = lengths[groups[-1][0]] if groups else 0
        if (
            groups
            and longest * (len(groups[-1]) + 1) <= most
            and longest - lengths[i] <= max(_PADDING_TOKENS, longest // 8)
        ):
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def _run(forward: Forward, tokens: Sequence[Sequence[int]]) -> Vectors:
    """One unit vector for each list of token ids, all computed at once."""
    import numpy as np

    longest = max(len(ids) for ids in tokens)
    padded = np.zeros((len(tokens), longest), dtype=np.int64)
    mask = np.zeros((len(tokens), longest), dtype=np.int64)
    for row, ids in enumerate(tokens):
        padded[row, : len(ids)] = ids
        mask[row, : len(ids)] = 1
    pooled = forward(padded, mask)
    vectors: Vectors = (pooled / np.linalg.norm(pooled, axis=1, keepdims=True)).astype(np.float32)
    return vectors
