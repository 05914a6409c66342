"""The entity tagger's int8 graph, rewritten by hand: the same weights and scales in a fifth of the nodes.

``torch.onnx`` writes attention as a dozen nodes, with a mask that takes two dozen more, and the runtime fuses only a
part of them. Here query, key and value are one product, attention is one node, and windows of one length are read
together, so that no padding and no mask is needed. The inputs are ``input_ids`` and ``shapes``, windows x tokens; the
output is ``logits``, windows x tokens x tags.

    python -m models.entity_graph quantised.onnx packaging/weights/reading_room_weights/english-entities/tagger.onnx

The same graph gives the same bytes. A second on one core.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from reading_room.analysis.engines.english_entities import WINDOW_TOKENS
from reading_room.analysis.engines.entity_tags import TAGS

CONTRIB = "com.microsoft"
"""The runtime's own operators."""
LAYERS, HEADS = 6, 12
EPSILON = 1e-12
_EMBEDDINGS = "bert.embeddings"

Array = NDArray[Any]


class _Source:
    """The arrays of the quantised graph by what they belong to."""

    def __init__(self, graph: Any) -> None:
        self.arrays: dict[str, Array] = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        self._products = {
            node.output[0].removesuffix("_output_0_output_quantized"): node.input[1].removesuffix("_quantized")
            for node in graph.node
            if node.op_type == "MatMulInteger"
        }

    def product(self, node: str) -> tuple[Array, Array, Array]:
        """Return the matrix of a product, and the scale and the zero point of each of its columns."""
        name = self._products[node]
        matrix, scale, zero = (self.arrays[f"{name}_{part}"] for part in ("quantized", "scale", "zero_point"))
        return matrix, scale, zero

    def table(self, name: str) -> Array:
        """Return an embedding table as floats."""
        quantised, scale, zero = (self.arrays[f"{name}.weight_{part}"] for part in ("quantized", "scale", "zero_point"))
        return ((quantised.astype(np.float32) - np.float32(zero)) * scale).astype(np.float32)


class _Target:
    """The nodes and arrays of the new graph."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.arrays: list[Any] = []

    def array(self, name: str, value: Array) -> str:
        """Add an array, and return its name."""
        self.arrays.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: list[str], outputs: str, domain: str = "", **attributes: object) -> str:
        """Add a node with outputs that are separated by blanks, and return them."""
        self.nodes.append(helper.make_node(kind, inputs, outputs.split(), domain=domain, **attributes))
        return outputs

    def dense(self, source: str, name: str, product: tuple[Array, Array, Array], bias: Array) -> str:
        """Add the product of dynamically quantised rows with a matrix, plus a bias."""
        parts = [self.array(f"{name}_{part}", value) for part, value in zip("wsz", product, strict=True)]
        inputs = [source, *parts, self.array(f"{name}_b", bias)]
        return self.node("DynamicQuantizeMatMul", inputs, name, CONTRIB)

    def added(self, first: str, second: str, name: str, weight: Array, bias: Array) -> str:
        """Add the normalised sum of two rows. As one node, the runtime takes eight times as long for it."""
        self.node("Add", [first, second], f"{name}_sum")
        inputs = [f"{name}_sum", self.array(f"{name}_w", weight), self.array(f"{name}_b", bias)]
        return self.node("LayerNormalization", inputs, name, axis=-1, epsilon=EPSILON)


def rewrite(quantised: Path, tagger: Path) -> None:
    """Write the rewritten form of the graph that ``quantize_dynamic`` made of the exported model."""
    given = onnx.load(str(quantised)).graph
    source, target = _Source(given), _Target()
    states = _embeddings(source, target)
    for layer in range(LAYERS):
        states = _layer(source, target, layer, states)
    target.dense(states, "logits", source.product("/head/MatMul"), source.arrays["head.bias"])
    integers, floats = TensorProto.INT64, TensorProto.FLOAT
    graph = helper.make_graph(
        target.nodes,
        "tagger",
        [helper.make_tensor_value_info(name, integers, ["windows", "tokens"]) for name in ("input_ids", "shapes")],
        [helper.make_tensor_value_info("logits", floats, ["windows", "tokens", len(TAGS)])],
        target.arrays,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(CONTRIB, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(tagger))


def _embeddings(source: _Source, target: _Target) -> str:
    words = f"{_EMBEDDINGS}.word_embeddings.weight"
    parts = [target.array(f"words_{part}", source.arrays[f"{words}_{part}"]) for part in ("scale", "zero_point")]
    target.node("Gather", [target.array("words", source.arrays[f"{words}_quantized"]), "input_ids"], "word_integers")
    target.node("DequantizeLinear", ["word_integers", *parts], "word_vectors")
    target.node("Gather", [target.array("shape_table", source.table("shape")), "shapes"], "shape_vectors")
    target.node("Add", ["word_vectors", "shape_vectors"], "shaped")
    # All tokens are of the first kind; the longest window has two special tokens.
    kind = source.table(f"{_EMBEDDINGS}.token_type_embeddings")[0]
    target.node("Add", ["shaped", target.array("kind", kind)], "kinds")
    places = source.table(f"{_EMBEDDINGS}.position_embeddings")[: WINDOW_TOKENS + 2]
    target.node("Shape", ["input_ids"], "tokens", start=1, end=2)
    first = target.array("first", np.zeros(1, dtype=np.int64))
    target.node("Slice", [target.array("places", places), first, "tokens", first], "place_vectors")
    target.node("Add", ["kinds", "place_vectors"], "placed")
    norm = [
        target.array(f"states_{each}", source.arrays[f"{_EMBEDDINGS}.LayerNorm.{each}"]) for each in ("weight", "bias")
    ]
    return target.node("LayerNormalization", ["placed", *norm], "states", axis=-1, epsilon=EPSILON)


def _layer(source: _Source, target: _Target, layer: int, states: str) -> str:
    nodes, arrays, name = f"/bert/encoder/layer.{layer}", f"bert.encoder.layer.{layer}", f"layer{layer}"

    def dense(given: str, what: str, where: str) -> str:
        product = source.product(f"{nodes}/{where}/MatMul")
        return target.dense(given, f"{name}_{what}", product, source.arrays[f"{arrays}.{where.replace('/', '.')}.bias"])

    def added(first: str, second: str, what: str, where: str) -> str:
        weight, bias = (source.arrays[f"{arrays}.{where}.LayerNorm.{part}"] for part in ("weight", "bias"))
        return target.added(first, second, f"{name}_{what}", weight, bias)

    three = ("query", "key", "value")
    products = zip(*(source.product(f"{nodes}/attention/self/{each}/MatMul") for each in three), strict=True)
    matrix, scale, zero = (np.concatenate(each, axis=-1) for each in products)
    bias = np.concatenate([source.arrays[f"{arrays}.attention.self.{each}.bias"] for each in three])
    target.dense(states, f"{name}_three", (matrix, scale, zero), bias)
    heads = [f"{name}_{each}" for each in three]
    target.node("Split", [f"{name}_three"], " ".join(heads), axis=-1)
    target.node("MultiHeadAttention", heads, f"{name}_attention", CONTRIB, num_heads=HEADS)
    seen = dense(f"{name}_attention", "seen", "attention/output/dense")
    states = added(seen, states, "attended", "attention.output")
    wide = dense(states, "wide", "intermediate/dense")
    target.node("Gelu", [wide], f"{name}_active", CONTRIB)
    narrow = dense(f"{name}_active", "narrow", "output/dense")
    return added(narrow, states, "states", "output")


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]), Path(sys.argv[2]))
