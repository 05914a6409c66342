"""A small transformer as an ONNX graph with its tokenizer: texts to windows of tokens, windows to the graph's outputs.

Measured on one core: batches of 32 windows of like length, 128 tokens at most, one thread. A second thread mostly
spins: several workers with a thread each do twice as much per processor second.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

# Read as the library is loaded: else it keeps a database of events, and looks for its maker's host to send them to.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

from reading_room.analysis.trained import weights

WINDOW_TOKENS = 128
"""With the two marks at its ends. What the encoder was trained on; longer windows cost their square."""

BATCH_WINDOWS = 32


class Window(NamedTuple):
    """A stretch of one text that the graph sees at once."""

    text: int
    """Which of the given texts it is of."""
    ids: list[int]
    """Token ids, the marks at both ends among them."""
    spans: list[tuple[int, int]]
    """What each token covers, in code points of the text; (0, 0) for a mark."""


class Batch(NamedTuple):
    """The graph's answer for some windows."""

    windows: list[int]
    """Their places in the list that was given."""
    mask: NDArray[np.int64]
    """windows x tokens: 1 for a token, 0 for padding."""
    outputs: list[NDArray[np.float32]]
    """The graph's outputs in its own order, the first axis being the windows."""


class TransformerGraph:
    """A graph of ``input_ids`` and ``attention_mask``, int64, batch x tokens, and the encoder's tokenizer."""

    def __init__(self, graph: Path) -> None:
        """Load both. Raises the library's own error, which names the file, when one is missing or damaged."""
        self._tokenizer = open_tokenizer()
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(WINDOW_TOKENS)
        self._session = open_graph(graph)

    def windows(self, texts: Sequence[str], most: int | None = None) -> list[Window]:
        """Cut each text into windows that follow one another without overlap, at most ``most`` of a text.

        An empty text has one window, of the two marks alone.
        """
        found = []
        for text, encoding in enumerate(self._tokenizer.encode_batch(list(texts))):
            for piece in [encoding, *encoding.overflowing][:most]:
                found.append(Window(text, piece.ids, piece.offsets))
        return found

    def run(self, windows: Sequence[Window]) -> Iterator[Batch]:
        """Yield the outputs for all windows, in batches of like length and in no particular order."""
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
    """Load the encoder's tokenizer, which every graph that was made of the encoder reads with."""
    # Read by the tokenizer's library at its first batch: its threads would be one per processor of the host.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    return Tokenizer.from_file(str(weights("minilm", "tokenizer.json")))


def open_graph(path: Path) -> onnxruntime.InferenceSession:
    """Load a graph for one thread, with level memory, and with kernels that are exact on this processor."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # A memory plan is kept for every shape ever seen, and batches have hundreds of them.
    options.enable_mem_pattern = False
    if not exact_products():
        # Kernels that do not saturate, at half the speed.
        options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def exact_products(processors: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this machine's fast int8 products are exact: those of x86 saturate unless it has VNNI."""
    try:
        flags = processors.read_text(encoding="utf-8")
    except OSError:
        return False
    return "flags" not in flags or "_vnni" in flags
