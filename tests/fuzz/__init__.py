"""Parsers of untrusted bytes, each as a function of bytes that coverage-guided fuzzing calls.

A target raises only what its parser documents, and checks the invariants of the result. ``test_fuzz_targets.py`` calls
it with its seeds, ``make fuzz`` with millions of other inputs. TLS is not among the targets, because OpenSSL parses it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

Target = Callable[[bytes], None]

CORPUS = Path(__file__).parent / "corpus"
"""The seeds, in a folder for each target. Inputs that once caused a fault are added and stay."""
TARGETS = {
    "worker-message": "workers",
    "worker-output": "workers",
    "realtime-answer": "workers",
    "realtime-model": "workers",
    "cluster-request": "workers",
    "frames": "agents",
    "greeting": "agents",
    "spec": "agents",
    "report": "agents",
    "versions": "agents",
    "join-question": "hosts",
    "join-answer": "hosts",
    "link-document": "links",
    "link-stream": "links",
    "wireguard-answer": "agents",
    "front-head": "fronts",
    "front-reply": "fronts",
    "front-channel": "fronts",
    "public-fronts": "fronts",
    "lane": "fronts",
    "dns": "wire",
    "http-head": "wire",
    "aws-chunked": "wire",
    "multipart-form": "wire",
    "post-policy": "wire",
    "s3-address": "wire",
    "s3-access-list": "s3_settings",
    "s3-lifecycle": "s3_settings",
    "xml": "calls",
    "json": "calls",
    "query-form": "calls",
    "ec2-form": "calls",
    "signature": "calls",
    "policy": "calls",
    "filter-pattern": "calls",
    "page-token": "calls",
    "usage-lines": "calls",
    "key-ciphertext": "keys",
    "key-marker": "keys",
    "documents": "documents",
    "any-document": "readers",
    "archived-document": "readers",
    "office-part": "readers",
    "extracted": "readers",
    "recognised-words": "readers",
    "painted-pdf": "readers",
    "page-images-answer": "readers",
    "personal-data": "personal_data",
    "marked-sample": "personal_data",
    "recall-profile": "personal_data",
    "told-events": "told_events",
    "redaction": "redaction",
    "vpc-tag": "redaction",
    "training-csv": "documents",
    "training-manifest": "documents",
    "annotated": "documents",
    "artifact": "documents",
    "s3-answer": "documents",
    "backup-manifest": "backups",
    "backup-archive": "backups",
    "backup-keys": "backups",
    "trace-spans": "traces",
    "slurm-answer": "slurm",
    "webhook-answer": "events",
    "webhook-allow-list": "events",
    "webhook-posted": "events",
    "schedule": "schedules",
}
"""Each target, with the module of this package that defines it."""


def load(name: str) -> Target:
    """Return a target by name."""
    found: Target = getattr(importlib.import_module(f"tests.fuzz.{TARGETS[name]}"), name.replace("-", "_"))
    return found


def seeds(name: str) -> list[Path]:
    """Return the files of a target's corpus."""
    return sorted((CORPUS / name).iterdir())


def assert_printable(text: str) -> None:
    """Check that a text can be part of a log line."""
    assert text.isprintable()
