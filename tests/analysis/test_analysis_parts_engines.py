"""Real engines over parts: the same lines from any process in any order, as in a job of several containers."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reading_room.analysis.engine import load_engine
from reading_room.analysis.job_file import JobFile, Location
from reading_room.analysis.kind import EngineName, Kind
from reading_room.analysis.memory import Folder, MemoryStorage
from reading_room.analysis.part_work import plan_of, write_part

pytestmark = pytest.mark.costs(2.5, reason="another process loads each engine too")

WORKER = """
import sys
from pathlib import Path
from reading_room.analysis.engine import keep_memory, load_engine, one_thread
one_thread()
keep_memory()
from reading_room.analysis.job_file import JobFile
from reading_room.analysis.memory import Folder, MemoryStorage
from reading_room.analysis.part_work import plan_of, write_part
name, folder = sys.argv[1:]
job = JobFile.from_json(sys.stdin.read())
engine = load_engine(name)
storage = MemoryStorage(Folder(Path(folder) / "objects"), chunk=1 << 20)
for part in reversed(plan_of(job, storage, lambda: False).parts):
    key = f"reversed/{part.number}"
    write_part(job, engine, storage, part, key, Path(folder), lambda: False, lambda documents: None)
"""

SENTENCES = (
    "{} met {} in {} on 3 May 2021.",
    "The board of {} was not happy with {}, who paid $24.53 for it.",
    "Nobody at {} knows why {} moved to {}!",
    "a cheap and good hotel, said {}",
    "",
)
NAMES = ("Angela Merkel", "Siemens", "Paris", "Bo Müller", "Acme Corp.", "the river Rhine", "Zoë", "Tromsø")


def document(chance: random.Random) -> str:
    """Return a varying number of sentences."""
    sentences = (chance.choice(SENTENCES) for _ in range(chance.choice((1, 3, 12))))
    return " ".join(sentence.format(*chance.choices(NAMES, k=3)) for sentence in sentences)


@pytest.mark.parametrize(("name", "kind"), [("entities-en", "entities"), ("dominant-language", "dominant-language")])
def test_parts_in_reverse_order_in_another_process_give_the_same_lines(
    tmp_path: Path, name: EngineName, kind: Kind
) -> None:
    chance = random.Random(6)
    content = "".join(document(chance) + "\n" for _ in range(60)).encode()
    members: dict[str, Any] = {"input": Location("in", ""), "output": Location("out", "output.tar.gz")}
    job = JobFile(
        job_id="0" * 32,
        attempt=1,
        kind=kind,
        region="us-east-1",
        language="en",
        input_format="ONE_DOC_PER_LINE",
        document_limit=100_000,
        part_bytes=len(content) // 3 + 1,
        **members,
    )
    objects = Folder(tmp_path / "objects")
    objects["in", "reviews.txt"] = content
    subprocess.run(
        [sys.executable, "-c", WORKER, name, str(tmp_path)], input=job.to_json(), text=True, check=True, timeout=100
    )
    engine, storage = load_engine(name), MemoryStorage(objects, chunk=1 << 20)
    parts = plan_of(job, storage, lambda: False).parts
    assert len(parts) == 3
    for part in parts:
        key = f"in order/{part.number}"
        write_part(job, engine, storage, part, key, tmp_path, lambda: False, lambda documents: None)
        lines = objects["out", key]
        assert objects["out", f"reversed/{part.number}"] == lines
        assert len(lines.splitlines()) == part.documents
