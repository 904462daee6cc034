"""A BERT encoder's weights as an ONNX graph, built in memory: the same numbers, computed by onnxruntime.

onnxruntime starts in a fraction of the time torch takes, fuses attention and layer normalisation, and multiplies in
8-bit integers where asked: weights are rounded once, per output column and symmetrically; activations at run time,
per tensor (dynamic quantisation, Jacob et al. 2018; onnxruntime's DynamicQuantizeMatMul).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_CONTRIB = "com.microsoft"
Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class BertShape:
    """What the weights alone do not tell: number of layers and heads, and the layer norms' epsilon."""

    layers: int
    heads: int
    epsilon: float


def build(weights: Mapping[str, Array], shape: BertShape, *, int8: bool) -> bytes:
    """The serialised model.

    Inputs ``input_ids`` and ``attention_mask`` (int64, batch x tokens), output ``hidden`` (float32, batch x tokens x
    width). ``weights`` bear the names Hugging Face gives a BertModel's. ``int8`` quantises the matrix products.
    """
    return _Graph(weights, shape, int8=int8).serialise()


class _Graph:
    """One graph in the making; every method adds nodes and returns the name of its output."""

    def __init__(self, weights: Mapping[str, Array], shape: BertShape, *, int8: bool) -> None:
        self._weights = weights
        self._shape = shape
        self._int8 = int8
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_CONTRIB, 1)]
        self._model = helper.make_model(helper.make_graph([], "bert", [], []), opset_imports=opsets, ir_version=10)
        # Filled where it stands: the helpers that put a graph together copy all of the weights, each once more.
        self._graph = self._model.graph

    def serialise(self) -> bytes:
        hidden = self._embeddings()
        self._node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
        for layer in range(self._shape.layers):
            hidden = self._layer(f"encoder.layer.{layer}.", hidden)
        self._node("Identity", [hidden], "hidden")
        width = self._weights["embeddings.LayerNorm.weight"].shape[0]
        self._graph.input.extend(
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
            for name in ("input_ids", "attention_mask")
        )
        shape = ["batch", "tokens", width]
        self._graph.output.append(helper.make_tensor_value_info("hidden", TensorProto.FLOAT, shape))
        serialised: bytes = self._model.SerializeToString()
        return serialised

    def _embeddings(self) -> str:
        prefix = "embeddings."
        words = self._constant("words", self._weights[prefix + "word_embeddings.weight"])
        # Every token is of type 0, so its type's vector can be added to the positions' once and for all.
        positions = self._weights[prefix + "position_embeddings.weight"]
        positions = positions + self._weights[prefix + "token_type_embeddings.weight"][0]
        self._node("Gather", [words, "input_ids"], "word_vectors")
        self._node("Shape", ["input_ids"], "input_shape")
        self._node("Slice", ["input_shape", self._ints("one", 1), self._ints("two", 2)], "length")
        zero = self._ints("zero", 0)
        self._node("Slice", [self._constant("positions", positions), zero, "length", zero], "position_vectors")
        self._node("Add", ["word_vectors", "position_vectors"], "embedded")
        scale, shift = self._norm(prefix + "LayerNorm")
        return self._node("LayerNormalization", ["embedded", scale, shift], "embeddings", epsilon=self._shape.epsilon)

    def _layer(self, prefix: str, hidden: str) -> str:
        heads = self._shape.heads
        # Query, key and value in one product: one pass over the activations instead of three.
        names = [f"{prefix}attention.self.{part}" for part in ("query", "key", "value")]
        matrix = np.concatenate([self._weights[f"{name}.weight"].T for name in names], axis=1)
        bias = np.concatenate([self._weights[f"{name}.bias"] for name in names])
        joint = self._product(prefix + "qkv", hidden, matrix, bias)
        parts = [f"{prefix}{part}" for part in ("q", "k", "v")]
        sizes = self._ints(prefix + "sizes", *[matrix.shape[0]] * 3)
        self._graph.node.append(helper.make_node("Split", [joint, sizes], parts, axis=2))
        attended = self._node(
            "MultiHeadAttention", [*parts, "", "mask"], prefix + "attended", domain=_CONTRIB, num_heads=heads
        )
        projected = self._dense(prefix + "attention.output.dense", attended)
        hidden = self._residual(prefix + "attention.output.LayerNorm", projected, hidden)
        wide = self._dense(prefix + "intermediate.dense", hidden)
        active = self._node("Gelu", [wide], prefix + "active", domain=_CONTRIB)
        narrow = self._dense(prefix + "output.dense", active)
        return self._residual(prefix + "output.LayerNorm", narrow, hidden)

    def _dense(self, name: str, hidden: str) -> str:
        return self._product(name, hidden, self._weights[f"{name}.weight"].T, self._weights[f"{name}.bias"])

    def _product(self, name: str, hidden: str, matrix: Array, bias: Array) -> str:
        shift = self._constant(f"{name}.bias", bias)
        if not self._int8:
            self._node("MatMul", [hidden, self._constant(f"{name}.weight", matrix)], f"{name}.product")
            return self._node("Add", [f"{name}.product", shift], f"{name}.out")
        scale = np.maximum(np.abs(matrix).max(axis=0), 1e-12) / 127
        rounded = np.round(matrix / scale).astype(np.int8)
        constants = [
            self._constant(f"{name}.weight", rounded),
            self._constant(f"{name}.scale", scale.astype(np.float32)),
            self._constant(f"{name}.zero", np.zeros(scale.shape, dtype=np.int8)),
        ]
        return self._node("DynamicQuantizeMatMul", [hidden, *constants, shift], f"{name}.out", domain=_CONTRIB)

    def _residual(self, name: str, added: str, hidden: str) -> str:
        inputs = [added, hidden, *self._norm(name)]
        return self._node("SkipLayerNormalization", inputs, f"{name}.out", domain=_CONTRIB, epsilon=self._shape.epsilon)

    def _norm(self, name: str) -> tuple[str, str]:
        scale = self._constant(f"{name}.scale", self._weights[f"{name}.weight"])
        return scale, self._constant(f"{name}.shift", self._weights[f"{name}.bias"])

    def _constant(self, name: str, value: Array) -> str:
        self._graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _ints(self, name: str, *values: int) -> str:
        return self._constant(name, np.array(values, dtype=np.int64))

    def _node(self, kind: str, inputs: list[str], output: str, *, domain: str = "", **attributes: Any) -> str:
        self._graph.node.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return output
