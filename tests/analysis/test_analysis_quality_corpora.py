"""Reading test sets: from git at a revision, checked by hash; and from tokens to spans."""

from __future__ import annotations

import datetime as dt
import hashlib
import subprocess
from pathlib import Path

import pytest

from bench.quality.corpora import CATALOGUE, Corpora, CorpusError, folder_hash
from bench.quality.entities import CROSSNER, Labelled, labelled, scored
from bench.quality.key_phrases import indexed, inside, normal
from bench.quality.language import DECLARATIONS
from bench.quality.page import glance, replaced, section, table
from bench.quality.rows import Row
from bench.quality.scoring import Estimate
from bench.quality.syntax import parse
from bench.quality.tagged import Sentence, sentences, spans
from bench.quality.topics import body
from reading_room.analysis.engines.language_vote import CODES


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def corpora(tmp_path: Path) -> Corpora:
    place = tmp_path / "folder" / "someone+texts"
    place.mkdir(parents=True)
    git(place, "init", "--quiet")
    (place / "posts").mkdir()
    (place / "a.txt").write_bytes(b"first\n")
    (place / "posts" / "1").write_bytes(b"one")
    (place / "posts" / "2").write_bytes(b"two\n\n")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "-m", "texts")
    revision = git(place, "rev-parse", "HEAD")
    # Only the recorded revision matters, not what is checked out.
    (place / "a.txt").write_bytes(b"changed\n")
    good, folder = hashlib.sha256(b"first\n").hexdigest(), folder_hash({"1": b"one", "2": b"two\n\n"})
    catalogue = tmp_path / "corpora.toml"
    catalogue.write_text(
        f"""
        [repositories."someone/texts"]
        revision = "{revision}"
        licence = "CC0"
        holds = "texts"
        [files]
        a = {{ repository = "someone/texts", path = "a.txt", sha256 = "{good}" }}
        other = {{ repository = "someone/texts", path = "a.txt", sha256 = "{"0" * 64}" }}
        gone = {{ repository = "someone/texts", path = "b.txt", sha256 = "{good}" }}
        posts = {{ repository = "someone/texts", path = "posts/", sha256 = "{folder}" }}
        """
    )
    return Corpora(tmp_path / "folder", catalogue)


def test_a_file_is_read_at_the_recorded_revision_whatever_is_checked_out(corpora: Corpora) -> None:
    assert corpora.text("a") == "first\n"


def test_a_folder_is_read_whole_and_checked_as_one(corpora: Corpora) -> None:
    assert corpora.folder("posts") == {"1": b"one", "2": b"two\n\n"}


def test_a_file_with_another_hash_is_refused_by_name(corpora: Corpora) -> None:
    with pytest.raises(CorpusError, match=r"other: someone/texts:a\.txt has sha256"):
        corpora.content("other")


def test_a_file_that_the_revision_does_not_have_is_named(corpora: Corpora) -> None:
    with pytest.raises(CorpusError, match=r"no file b\.txt"):
        corpora.content("gone")


def test_every_listed_file_names_a_listed_repository_with_a_whole_revision_and_a_licence() -> None:
    listed = Corpora(Path("unused"), CATALOGUE)
    for entry in listed.entries.values():
        assert entry.repository in listed.repositories
        assert len(entry.sha256) == 64
    for repository in listed.repositories.values():
        assert len(repository.revision) == 40
        assert repository.licence


def test_tokens_without_a_written_sentence_are_joined_with_blanks() -> None:
    found = list(sentences("Mara\tB-person\nOlsen\tI-person\nbakes\tO\n\nTromsø\tB-location\n"))
    assert found == [
        Sentence("Mara Olsen bakes", ((0, 10, "person"),)),
        Sentence("Tromsø", ((0, 6, "location"),)),
    ]


def test_a_written_sentence_keeps_its_blanks() -> None:
    found = list(sentences('# text = "Oslo", she said\n1\t"\tO\n2\tOslo\tB-LOC\n3\t"\tO\n4\t,\tO\n5\tshe\tO\n', 1, 2))
    assert found[0].spans == ((1, 5, "LOC"),)


def test_an_inside_tag_of_another_type_begins_a_span() -> None:
    assert list(spans([(0, 1), (2, 3), (4, 5)], ["B-a", "I-b", "I-b"])) == [(0, 1, "a"), (2, 5, "b")]


def test_handles_are_not_entities_and_ambiguous_places_do_not_count() -> None:
    document = labelled(Sentence("@ ann met Nature", ((2, 5, "person"), (10, 16, "magazine"))), CROSSNER)
    assert document == Labelled("@ ann met Nature", frozenset(), ((10, 16),))
    answer = {"BeginOffset": 10, "EndOffset": 16, "Type": "TITLE", "Score": 0.9}
    assert scored(document, [answer], {"TITLE"}) == {}


def test_entities_of_a_type_that_the_set_does_not_annotate_do_not_count() -> None:
    document = Labelled("Oslo 1999", frozenset({(0, 4, "LOCATION")}), ())
    found = [
        {"BeginOffset": 0, "EndOffset": 4, "Type": "LOCATION", "Score": 0.5},
        {"BeginOffset": 5, "EndOffset": 9, "Type": "DATE", "Score": 0.5},
    ]
    assert scored(document, found, {"LOCATION"}) == {(0, 4, "LOCATION"): 0.5}


def test_words_get_their_offsets_in_the_written_sentence() -> None:
    block = "# text = I don't\n1\tI\t_\tPRON" + "\t_" * 6 + "\n2-3\tdon't" + "\t_" * 8
    block += "\n2\tdo\t_\tAUX" + "\t_" * 6 + "\n3\tn't\t_\tPART" + "\t_" * 6 + "\n"
    assert parse(block)[0].tags == {(0, 1): "PRON", (2, 4): "AUX", (4, 7): "PART"}


def test_phrases_count_only_as_whole_words_of_the_text() -> None:
    document = indexed("A planetary  system", "planet\nPlanetary System\nstar")
    assert document.phrases == {"planetary system"}
    assert normal("The  Planetary System") == "planetary system"
    assert inside("old planetary system", document.phrases)
    assert not inside("interplanetary systems", document.phrases)


def test_a_post_is_reduced_to_its_authors_own_text() -> None:
    post = "From: a@b\nSubject: x\n\nBob (b@c) writes:\n> quoted\nMy own words.\n--\nsignature"
    assert body(post) == "My own words."


def test_the_declaration_is_looked_up_for_codes_of_comprehend_only() -> None:
    assert set(DECLARATIONS) <= CODES
    assert len(DECLARATIONS) > 90


def test_a_figure_below_its_floor_fails_as_it_is_printed() -> None:
    assert not Row("x", Estimate(0.6554, 0, 1), "", floor=0.656).passed
    assert Row("x", Estimate(0.6556, 0, 1), "", floor=0.656, aim=0.7).verdict == "ok"
    assert Row("x", Estimate(0.7, 0, 1), "", floor=0.656, aim=0.7).verdict == "aim"
    assert Row("x", Estimate(0.091, 0, 1), "", ceiling=0.09).verdict == "**fails**"
    assert "≤ 0.09" in table([Row("x", Estimate(0.091, 0, 1), "", ceiling=0.09)])


def test_the_glance_has_the_figures_with_bars_under_their_sections() -> None:
    rows = [Row("accuracy", Estimate(0.5, 0.4, 0.6), "9 texts", floor=0.6), Row("other", Estimate(0.5, 0.4, 0.6), "9")]
    lines = glance(section("Sentiment (`engine`)", "How.", rows, dt.date(2026, 1, 2))).splitlines()
    assert lines[2:] == ["| Sentiment | accuracy | 0.500 | 0.400 to 0.600 | ≥ 0.60 |  | **fails** |"]


def test_a_section_is_replaced_between_its_markers_and_nothing_else() -> None:
    page = "top\n<!-- a: begin -->\nold\n<!-- a: end -->\nrest\n"
    assert replaced(page, "a", "new\n") == "top\n<!-- a: begin -->\nnew\n<!-- a: end -->\nrest\n"
    with pytest.raises(ValueError, match="no section"):
        replaced(page, "b", "new")
