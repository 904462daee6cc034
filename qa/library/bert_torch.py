"""A BERT encoder's weights run by torch in bfloat16: three times as fast as float32 where the processor has the
instructions (AMX, AVX-512 BF16), and closer to it than 8-bit integers are.

The same computation as :mod:`qa.library.bert_onnx` builds. Written out because the classes of transformers take
seconds to import and compute a third slower: query, key and value are one product here, and nothing is masked where
all texts of a batch are of one length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import gelu, layer_norm, linear, pad, scaled_dot_product_attention

from qa.library.bert_onnx import Array, BertShape

_STEP = 16
"""Rows are padded to a multiple of so many tokens: oneDNN keeps what it compiles for each shape it meets, and with
every length a shape of its own that came to a gigabyte."""

_Pair = tuple[torch.Tensor, torch.Tensor]
"""A product's weight and bias, or a layer norm's scale and shift."""


@dataclass(frozen=True, slots=True)
class _Layer:
    qkv: _Pair
    attended: _Pair
    attended_norm: _Pair
    wide: _Pair
    narrow: _Pair
    narrow_norm: _Pair


class BertBfloat16:
    """Token ids to the mean of the last layer. ``weights`` bear the names Hugging Face gives a BertModel's."""

    def __init__(self, weights: Mapping[str, Array], shape: BertShape) -> None:
        self._shape = shape
        pair = _pairs(weights)
        positions = weights["embeddings.position_embeddings.weight"]
        self._words = _tensor(weights["embeddings.word_embeddings.weight"])
        # Every token is of type 0, so its type's vector can be added to the positions' once and for all.
        self._positions = _tensor(positions + weights["embeddings.token_type_embeddings.weight"][0])
        self._norm = pair("embeddings.LayerNorm")
        prefixes = [f"encoder.layer.{number}." for number in range(shape.layers)]
        self._layers = [
            _Layer(
                qkv=pair(*(f"{prefix}attention.self.{part}" for part in ("query", "key", "value"))),
                attended=pair(prefix + "attention.output.dense"),
                attended_norm=pair(prefix + "attention.output.LayerNorm"),
                wide=pair(prefix + "intermediate.dense"),
                narrow=pair(prefix + "output.dense"),
                narrow_norm=pair(prefix + "output.LayerNorm"),
            )
            for prefix in prefixes
        ]

    @torch.inference_mode()
    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """The mean vector of each row's tokens, not normalised: shape (rows, width).

        ``ids`` and ``mask`` are of shape (rows, tokens); ``mask`` is 1 for a token, 0 for padding; no row is empty.
        """
        missing = -ids.shape[1] % _STEP
        words, seen = (pad(torch.from_numpy(array), (0, missing)) for array in (ids, mask))
        rows, length = words.shape
        hidden = self._normed(self._words[words] + self._positions[:length], self._norm)
        hidden = hidden.view(rows * length, -1)
        hides = None if bool(seen.all()) else seen.bool()[:, None, None, :].expand(rows, 1, length, length)
        for layer in self._layers:
            hidden = self._step(hidden, layer, rows, hides)
        counted = hidden.view(rows, length, -1) * seen[..., None].to(hidden.dtype)
        mean: NDArray[np.float32] = (counted.float().sum(1) / seen.sum(1, keepdim=True)).numpy()
        return mean

    def _step(self, hidden: torch.Tensor, layer: _Layer, rows: int, hides: torch.Tensor | None) -> torch.Tensor:
        heads, width = self._shape.heads, hidden.shape[-1]
        joint = linear(hidden, *layer.qkv).view(rows, -1, 3, heads, width // heads)
        query, key, value = joint.permute(2, 0, 3, 1, 4)
        attended = scaled_dot_product_attention(query, key, value, attn_mask=hides)
        attended = attended.transpose(1, 2).reshape(-1, width)
        hidden = self._normed(linear(attended, *layer.attended) + hidden, layer.attended_norm)
        inner = gelu(linear(hidden, *layer.wide))
        return self._normed(linear(inner, *layer.narrow) + hidden, layer.narrow_norm)

    def _normed(self, hidden: torch.Tensor, norm: _Pair) -> torch.Tensor:
        return layer_norm(hidden, hidden.shape[-1:], *norm, self._shape.epsilon)


class Lanes:
    """Threads that compute batches side by side, each on one processor.

    Threads that share one batch wait for each other after every step, busily: as fast on an idle machine, but four
    times slower than this as soon as something else runs.
    """

    def __init__(self, threads: int) -> None:
        usual = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(threads, "dateline-embed", initializer=lambda: torch.set_num_threads(1))
        # Said in one thread it is the default of all threads to come: take it back once these have all begun.
        everyone = Barrier(threads)
        list(self._pool.map(lambda _: everyone.wait(), range(threads)))
        torch.set_num_threads(usual)

    def each(self, compute: Callable[[list[int]], None], batches: Sequence[list[int]]) -> None:
        """Call ``compute`` with each of ``batches``. Raises what a call raised."""
        for _ in self._pool.map(compute, batches):
            pass


def _tensor(array: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(torch.bfloat16)


def _pairs(weights: Mapping[str, Array]) -> Callable[..., _Pair]:
    def pair(*names: str) -> _Pair:
        """The weights and biases of ``names``, one below the other."""
        return (
            _tensor(np.concatenate([weights[f"{name}.weight"] for name in names])),
            _tensor(np.concatenate([weights[f"{name}.bias"] for name in names])),
        )

    return pair
