"""The registry of kinds: every name in it leads somewhere, and every kind and engine has its entry."""

from __future__ import annotations

import inspect
from typing import get_args

import pytest

from reading_room.analysis.engine import load_engine, named
from reading_room.analysis.forms import LINES
from reading_room.analysis.kind import ENGINES, Kind
from reading_room.analysis.kinds import CONTAINER_BYTES, ENTRIES, JOB_KINDS, PROGRAMS, TEXT_KINDS, WORK_KINDS, work_of
from reading_room.analysis.program import load_program


def test_every_kind_and_every_engine_has_one_entry() -> None:
    assert set(WORK_KINDS) == set(get_args(Kind))
    assert set(ENTRIES) == set(PROGRAMS) == set(ENGINES)
    entries = [entry.name for kind in (*WORK_KINDS.values(), *TEXT_KINDS) for entry in kind.loads]
    assert len(entries) == len(set(entries))


@pytest.mark.costs(1, reason="imports the libraries of all engines and programs")
@pytest.mark.parametrize("name", ENGINES)
def test_an_entry_names_a_program_and_an_engine_that_exist(name: str) -> None:
    entry, program = ENTRIES[name], named(PROGRAMS[name])
    assert callable(getattr(program, "run", None))
    if entry.loads is None:
        inspect.signature(program).bind()
        with pytest.raises(ValueError, match=name):
            load_engine(name)
    else:
        inspect.signature(program).bind(object())
        engine = named(f"engines.{entry.loads}")
        assert callable(getattr(engine, "analyse", None))
        inspect.signature(engine).bind(*entry.arguments)


def test_a_name_that_is_no_engine_has_neither_engine_nor_program() -> None:
    for name in ("", "entities", "entities-xx", "job:DocumentProgram"):
        with pytest.raises(ValueError, match="unknown engine"):
            load_engine(name)
        with pytest.raises(ValueError, match="unknown engine"):
            load_program(name)


def test_an_engine_is_named_after_its_kind_and_the_language_that_it_reads() -> None:
    for kind in (*WORK_KINDS.values(), *TEXT_KINDS):
        for entry in kind.loads:
            assert entry.name == (kind.name if entry.language is None else f"{kind.name}-{entry.language}")


def test_every_form_of_lines_is_used() -> None:
    assert {kind.output.lines for kind in WORK_KINDS.values() if kind.output is not None} == set(LINES)


def test_a_custom_model_works_as_a_kind_of_its_own_or_is_all_that_the_kind_has() -> None:
    for kind in JOB_KINDS:
        assert bool(kind.engines) or kind.model is not None
        if kind.model is not None:
            assert WORK_KINDS[kind.model.analysis].loads[0].name == kind.model.engine


def test_only_topics_by_vectors_are_divided() -> None:
    assert work_of("topics", {"NumberOfTopics": 5}) == "topics"
    assert work_of("topics", {"NumberOfTopics": 5, "Engine": "embedding"}) == "topics"
    assert work_of("topics", {"NumberOfTopics": 5, "Engine": "lda"}) == "topics by lda"
    assert "topics by lda" not in CONTAINER_BYTES
    assert work_of("entities", {}) == "entities"
