"""Go on from a shipped graph: its int8 matrices as floats again, in a model of ``models/multilingual.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn


def load(model: nn.Module, graph: Path) -> None:
    """Copy matrices and vectors from the graph into the model. Heads that the graph lacks stay as they are."""
    held = onnx.load(str(graph)).graph
    stored = {each.name: numpy_helper.to_array(each) for each in held.initializer}
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in stored.items():
            if name in own and own[name].shape == value.shape:
                own[name].copy_(torch.tensor(value))
        products = [node for node in held.node if node.op_type == "MatMulInteger"]
        names = [name for name in own if name.endswith("weight") and own[name].dim() == 2 and name != "words.weight"]
        for node in products:
            matrix = node.input[1].removesuffix("_quantized")
            zero, scale = stored[f"{matrix}_zero_point"], stored[f"{matrix}_scale"]
            numbers = torch.tensor((stored[f"{matrix}_quantized"].astype(np.float32) - zero) * scale).T
            # In the order of the layers; the matrices of the heads differ in their shapes.
            name = next(name for name in names if own[name].shape == numbers.shape)
            names.remove(name)
            own[name].copy_(numbers)
        own["late.weight"].copy_(own["tags.weight"])
        own["late.bias"].copy_(own["tags.bias"])
