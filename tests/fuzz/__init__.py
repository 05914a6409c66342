"""Every parser that reads untrusted bytes, each as a function of bytes: what coverage-guided fuzzing calls.

A target lets nothing out but what its parser documents, and checks what must hold of the result.
``test_fuzz_targets.py`` calls it with its seeds, ``make fuzz`` with millions of other bytes. TLS is not here: OpenSSL
reads it, and no parser of ours.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

Target = Callable[[bytes], None]

CORPUS = Path(__file__).parent / "corpus"
"""The seeds, a folder for each target. What once did harm is put there and stays."""
TARGETS = {
    "worker-message": "workers",
    "worker-output": "workers",
    "realtime-answer": "workers",
    "cluster-request": "workers",
    "frames": "agents",
    "spec": "agents",
    "report": "agents",
    "front-head": "fronts",
    "front-channel": "fronts",
    "lane": "fronts",
    "dns": "wire",
    "http-head": "wire",
    "aws-chunked": "wire",
    "multipart-form": "wire",
    "post-policy": "wire",
    "s3-address": "wire",
    "xml": "calls",
    "json": "calls",
    "query-form": "calls",
    "ec2-form": "calls",
    "signature": "calls",
    "policy": "calls",
    "filter-pattern": "calls",
    "page-token": "calls",
    "documents": "documents",
    "training-csv": "documents",
    "training-manifest": "documents",
    "annotated": "documents",
    "artifact": "documents",
}
"""Each target, and the module of this package that has it."""


def load(name: str) -> Target:
    """Return a target by its name."""
    found: Target = getattr(importlib.import_module(f"tests.fuzz.{TARGETS[name]}"), name.replace("-", "_"))
    return found


def seeds(name: str) -> list[Path]:
    """Return the files of a target's corpus."""
    return sorted((CORPUS / name).iterdir())


def assert_printable(text: str) -> None:
    """Check that a text can stand in a log's line."""
    assert text.isprintable()
