"""A small transformer as an ONNX graph with its tokenizer: texts to windows of tokens, windows to the graph's outputs.

Measured best on one core: batches of 32 windows of similar length, at most 128 tokens, one thread. A second thread
mostly spins: several workers with one thread each do twice as much per processor second.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

# The library reads this when it is loaded. Otherwise it keeps a database of events, and looks up its maker's host to
# send them there.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

from reading_room.analysis.trained import weights

WINDOW_TOKENS = 128
"""Includes the two special tokens. The encoder was trained on this length; the time grows with its square."""

BATCH_WINDOWS = 32

Graph: TypeAlias = onnxruntime.InferenceSession
"""A loaded graph. Other modules import this one and never the library: what is set above must come first."""

SLOW_FUSION = "SkipLayerNormFusion"
"""What the runtime must not do to some graphs: a sum and its normalisation as one node take eight times as long."""


class Words(NamedTuple):
    """Word vectors that a graph lacks and another graph's file has: unsigned bytes, words x dimensions."""

    name: str
    """The graph's tensor, which is marked as external."""
    file: Path
    offset: int
    """Where the bytes begin in the file."""
    shape: tuple[int, int]


class Window(NamedTuple):
    """A stretch of one text that the graph reads at once."""

    text: int
    """The index of its text."""
    ids: list[int]
    """Token ids, including the special tokens at both ends."""
    spans: list[tuple[int, int]]
    """The code points of the text that each token covers; (0, 0) for a special token."""


class Batch(NamedTuple):
    """The graph's outputs for some windows."""

    windows: list[int]
    """The indexes of the windows in the list that was given."""
    mask: NDArray[np.int64]
    """windows x tokens: 1 for a token, 0 for padding."""
    outputs: list[NDArray[np.float32]]
    """The graph's outputs in its own order, with the windows as the first axis."""


class TransformerGraph:
    """A graph with inputs ``input_ids`` and ``attention_mask``, int64, batch x tokens, and the encoder's tokenizer."""

    def __init__(self, graph: Path, without: str = "", words: Words | None = None) -> None:
        """Load both. Raise the library's own error, which names the file, if one is missing or damaged."""
        self._tokenizer = open_tokenizer()
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(WINDOW_TOKENS)
        self._session = open_graph(graph, without, words)

    def windows(self, texts: Sequence[str], most: int | None = None) -> list[Window]:
        """Cut each text into consecutive windows without overlap, at most ``most`` per text.

        An empty text has one window, with only the two special tokens.
        """
        found = []
        for text, encoding in enumerate(self._tokenizer.encode_batch(list(texts))):
            for piece in [encoding, *encoding.overflowing][:most]:
                found.append(Window(text, piece.ids, piece.offsets))
        return found

    def run(self, windows: Sequence[Window]) -> Iterator[Batch]:
        """Yield the outputs for all windows, in batches of similar length and in no particular order."""
        order = sorted(range(len(windows)), key=lambda index: -len(windows[index].ids))
        for start in range(0, len(order), BATCH_WINDOWS):
            chosen = order[start : start + BATCH_WINDOWS]
            width = len(windows[chosen[0]].ids)
            ids = np.zeros((len(chosen), width), dtype=np.int64)
            mask = np.zeros_like(ids)
            for row, index in enumerate(chosen):
                tokens = windows[index].ids
                ids[row, : len(tokens)] = tokens
                mask[row, : len(tokens)] = 1
            outputs: list[Any] = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
            yield Batch(chosen, mask, outputs)


def open_tokenizer() -> Tokenizer:
    """Load the encoder's tokenizer, which all graphs made from the encoder share."""
    # The tokenizer's library reads this at its first batch; otherwise it starts a thread per processor of the host.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    return Tokenizer.from_file(str(weights("minilm", "tokenizer.json")))


def open_graph(path: Path, without: str = "", words: Words | None = None) -> Graph:
    """Load a graph for one thread, with constant memory, and with kernels that are exact on this processor.

    ``without`` names an optimisation of the runtime that makes the graph slower.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # The library would keep a memory plan for every shape, and batches have hundreds of shapes.
    options.enable_mem_pattern = False
    if not exact_products():
        # Kernels that do not saturate, at half the speed.
        options.add_session_config_entry("session.x64quantprecision", "1")
    if without:
        options.add_session_config_entry("optimization.disable_specified_optimizers", without)
    if words is not None:
        rows, columns = words.shape
        vectors = np.fromfile(words.file, dtype=np.uint8, count=rows * columns, offset=words.offset)
        value = onnxruntime.OrtValue.ortvalue_from_numpy(vectors.reshape(words.shape))
        options.add_external_initializers([words.name], [value])
    return Graph(str(path), options, providers=["CPUExecutionProvider"])


def exact_products(processors: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this machine's fast int8 products are exact: those of x86 saturate unless it has VNNI."""
    try:
        flags = processors.read_text(encoding="utf-8")
    except OSError:
        return False
    return "flags" not in flags or "_vnni" in flags
