"""The jobs of a run, by kind and by the language of each text."""

from __future__ import annotations

import pytest

from reading_room.cli.job_plan import NAMES, KindError, Work, check_language, kinds_of, names_in_results, plan

LANGUAGES = {"a.txt": "en", "b.txt": "de", "c/d.txt": "en", "e.txt": "fr"}
ARN = "arn:aws:comprehend:us-east-1:000000000001:document-classifier/tickets"


def test_kinds_are_given_one_by_one_or_together_and_each_is_done_once() -> None:
    assert kinds_of(["entities"], None) == ("entities",)
    assert kinds_of(["sentiment,entities", "sentiment"], None) == ("sentiment", "entities")
    assert kinds_of(["classification", "syntax"], ARN) == ("classification", "syntax")


def test_all_kinds_are_those_that_need_no_model_and_classification_if_one_is_named() -> None:
    assert kinds_of(["all"], None) == NAMES[:-1]
    assert kinds_of(["all"], ARN) == NAMES


def test_a_kind_that_takes_a_language_has_a_job_for_each_that_it_knows() -> None:
    found = plan(("entities", "topics"), LANGUAGES)
    assert found.work == [
        Work("entities", "en", ["a.txt", "c/d.txt"]),
        Work("entities", "de", ["b.txt"]),
        Work("entities", "fr", ["e.txt"]),
        Work("topics", None, list(LANGUAGES)),
    ]
    assert [work.title for work in found.work] == ["entities (en)", "entities (de)", "entities (fr)", "topics"]


def test_texts_that_a_kind_has_no_engine_for_are_never_read_as_another_language() -> None:
    found = plan(("targeted-sentiment", "key-phrases"), LANGUAGES)
    assert found.work[0] == Work("targeted-sentiment", "en", ["a.txt", "c/d.txt"])
    assert found.unread == {"targeted-sentiment": {"de": ["b.txt"], "fr": ["e.txt"]}}
    assert plan(("syntax",), {"b.txt": "ja"}).work == []


def test_a_language_that_one_of_the_kinds_knows_is_accepted() -> None:
    check_language(("targeted-sentiment", "entities"), "de")
    check_language(("sentiment", "topics"), "xx")
    with pytest.raises(KindError, match="--language ja: targeted-sentiment knows en; syntax knows en, de, es"):
        check_language(("targeted-sentiment", "syntax"), "ja")


def test_a_name_in_results_is_that_of_one_text() -> None:
    languages = {"a/note.txt": "en", "b/note.txt": "en", "b/list.txt": "en", "note.txt": "de"}
    work = plan(("entities", "topics"), languages).work
    assert names_in_results(work[0], languages) == {
        "a/note.txt": "a/note.txt",
        "b/note.txt": "b/note.txt",
        "list.txt": "b/list.txt",
    }
    assert names_in_results(work[1], languages) == {"note.txt": "note.txt"}
    assert names_in_results(work[2], languages) == {
        "en/a/note.txt": "a/note.txt",
        "en/b/note.txt": "b/note.txt",
        "list.txt": "b/list.txt",
        "de/note.txt": "note.txt",
    }
