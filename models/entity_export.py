"""The trained entity tagger as package data: an int8 ONNX graph; its tokenizer is that of ``weights/minilm``.

``entity_graph`` writes the form of the graph that is shipped.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from models.entity_graph import rewrite
from models.manifest import WEIGHTS

FOLDER = WEIGHTS / "english-entities"
INPUTS = ("input_ids", "shapes", "attention_mask")


def export(model: torch.nn.Module) -> None:
    """Write ``tagger.onnx``: dynamic quantisation, one scale per output channel."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    ids = torch.tensor([[101, 7592, 2088, 102], [101, 2204, 102, 0]])
    example = (ids, torch.ones_like(ids), (ids != 0).long())
    free = {name: {0: "batch", 1: "tokens"} for name in (*INPUTS, "logits")}
    with tempfile.TemporaryDirectory() as scratch, torch.no_grad():
        whole, quantised = Path(scratch) / "float.onnx", Path(scratch) / "quantised.onnx"
        torch.onnx.export(
            model.eval(),
            example,
            str(whole),
            input_names=list(INPUTS),
            output_names=["logits"],
            dynamic_axes=free,
            opset_version=17,
            dynamo=False,
        )
        quantize_dynamic(str(whole), str(quantised), weight_type=QuantType.QInt8, per_channel=True)
        rewrite(quantised, FOLDER / "tagger.onnx")
