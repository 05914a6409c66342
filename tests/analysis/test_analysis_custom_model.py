"""Artifacts of custom models, what they refuse, and the classifiers and recognizers read from them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.analysis.custom.artifact import Artifact, fetch_artifact, load_artifact, save_artifact
from reading_room.analysis.custom.classifier_model import ClassifierModel, Terms, around_half
from reading_room.analysis.custom.mode import Mode
from reading_room.analysis.custom.spans import labels_of, listed_spans, runs
from reading_room.analysis.custom.token_features import word_shape
from reading_room.analysis.custom.tokens import STRETCH_TOKENS, Token, stretches
from reading_room.analysis.job_file import Location, ModelPlace
from reading_room.analysis.memory import MemoryStorage
from reading_room.analysis.storage import JobFailure


def artifact() -> Artifact:
    """Return an artifact with content of every sort."""
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3)}
    return Artifact("classifier", {"n": 1}, arrays, {"words": ["ä", "b"]}, {"crf": b"\x00\x01"})


def stored(content: bytes, sha256: str = "") -> tuple[MemoryStorage, ModelPlace]:
    """Return a storage that holds a model, and the model's place."""
    place = ModelPlace(Location("models", "1/model"), "/x", sha256 or hashlib.sha256(content).hexdigest())
    return MemoryStorage({("models", "1/model"): content}, chunk=1000), place


def test_an_artifact_is_read_back_unchanged_and_equal_models_have_equal_bytes(tmp_path: Path) -> None:
    size, sha256 = save_artifact(tmp_path / "a", artifact())
    assert (size, sha256) == save_artifact(tmp_path / "b", artifact())
    storage, place = stored((tmp_path / "a").read_bytes(), sha256)
    read = fetch_artifact(storage, place, "classifier")
    assert (read.meta, read.texts, read.blobs) == ({"n": 1}, {"words": ["ä", "b"]}, {"crf": b"\x00\x01"})
    assert read.arrays["a"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_changed_artifact_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    save_artifact(tmp_path / "a", artifact())
    content = bytearray((tmp_path / "a").read_bytes())
    sha256 = hashlib.sha256(content).hexdigest()
    content[len(content) // 2] ^= 1
    storage, place = stored(bytes(content), sha256)
    with pytest.raises(JobFailure) as failure:
        fetch_artifact(storage, place, "classifier")
    assert failure.value.code == "MODEL_TAMPERED"
    assert "s3://models/1/model" in failure.value.message
    assert sha256 in failure.value.message


def pickled() -> bytes:
    """Return an artifact whose array is a pickle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model.json", json.dumps({"format": 1, "kind": "classifier", "meta": {}}))
        array = io.BytesIO()
        np.save(array, np.array([{}], dtype=object), allow_pickle=True)
        archive.writestr("a.npy", array.getvalue())
    return file.getvalue()


def changed(at: int, to: bytes) -> bytes:
    """Return an artifact with other bytes at this place of its directory's first entry."""
    content = bytearray(archived())
    begin = content.index(b"PK\x01\x02") + at
    content[begin : begin + len(to)] = to
    return bytes(content)


def archived(array: bytes = b"", compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return an artifact with an array of these bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("model.json", json.dumps({"format": 1, "kind": "classifier", "meta": {}}))
        archive.writestr("a.npy", array)
    return file.getvalue()


def array_of(header: str, content: bytes = b"") -> bytes:
    """Return an array in NumPy's own format, with any header."""
    return b"\x93NUMPY\x01\x00" + (len(header) + 1).to_bytes(2, "little") + header.encode() + b"\n" + content


NO_ARTIFACTS = {
    "nothing": b"",
    "beginning": b"PK\x03\x04",
    "text": b"x" * 100,
    "pickle": pickled(),
    "version of zip": changed(6, b"\xff"),
    "encrypted": changed(8, b"\x01"),
    "compressed": archived(bytes(1000), zipfile.ZIP_DEFLATED),
    "a terabyte": archived(array_of("{'descr': '<f8', 'fortran_order': False, 'shape': (125000000000,), }")),
    "less than nothing": archived(array_of("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1), }", bytes(8))),
    "too few bytes": archived(array_of("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", bytes(8))),
    "half a header": archived(array_of("{'descr': (((((((")),
    "a deep header": archived(array_of("(" * 9_000)),
    "another archive": archived(archived()),
}


@pytest.mark.parametrize("content", NO_ARTIFACTS.values(), ids=NO_ARTIFACTS)
def test_a_malformed_artifact_is_refused_even_if_its_hash_is_right(content: bytes) -> None:
    storage, place = stored(content)
    with pytest.raises(JobFailure, match="malformed") as failure:
        fetch_artifact(storage, place, "classifier")
    assert failure.value.code == "MODEL_TAMPERED"


@given(
    st.sampled_from(["<f2", "<f4", "<f8", "<i8", "<u4", "|b1"]),
    st.lists(st.integers(0, 4), max_size=4),
    st.sampled_from(["C", "F"]),
)
def test_an_array_of_any_shape_and_order_is_read_back(kind: str, shape: list[int], order: Literal["C", "F"]) -> None:
    array = np.arange(int(np.prod(shape, dtype=int))).reshape(shape).astype(kind, order=order)
    buffer = io.BytesIO()
    np.save(buffer, array)
    read = load_artifact(io.BytesIO(archived(buffer.getvalue())), "classifier").arrays["a"]
    assert (read.dtype, read.shape, read.tolist()) == (array.dtype, array.shape, array.tolist())


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    save_artifact(tmp_path / "a", artifact())
    with pytest.raises(ValueError, match="recognizer"):
        load_artifact(io.BytesIO((tmp_path / "a").read_bytes()), "recognizer")


def classifier(mode: Mode) -> ClassifierModel:
    """Return a classifier that knows two words, without sentence vectors."""
    terms = Terms([["cat", "dog"], []], [np.ones(2, np.float32), np.zeros(0, np.float32)])
    return ClassifierModel(
        mode=mode,
        language="en",
        labels=["cats", "dogs"],
        terms=terms,
        term_coefficients=np.array([[2, -2], [-2, 2]], np.float32),
        term_intercepts=np.zeros(2, np.float32),
        vector_coefficients=np.zeros((2, 0), np.float32),
        vector_intercepts=np.zeros(2, np.float32),
        term_share=1.0,
        sharpness=(1.0, 1.0),
        cut=0.3,
    )


@pytest.mark.costs(6, reason="scikit-learn is imported")
@given(texts=st.lists(st.text(alphabet="abcÄß 7_.\n\u00a0\u0130", max_size=40), min_size=1, max_size=6))
def test_terms_have_the_weights_of_scikit_learn(texts: list[str]) -> None:
    from reading_room.analysis.training.classifier_fit import term_vectorizers

    vocabularies: list[list[str]] = []
    idfs, matrices = [], []
    for vectorizer in term_vectorizers():
        try:
            matrices.append(vectorizer.fit_transform(texts))
        except ValueError:  # There is no such term.
            vocabularies.append([])
            idfs.append(np.zeros(0, np.float32))
            continue
        vocabularies.append([str(term) for term in vectorizer.get_feature_names_out()])
        idfs.append(vectorizer.idf_.astype(np.float32))
    found = Terms(vocabularies, idfs).matrix(texts)
    wanted = np.hstack([np.zeros((len(texts), 0)), *(matrix.toarray() for matrix in matrices)])
    assert found.dtype == np.float32
    assert np.allclose(found.toarray(), wanted, rtol=1e-6)


@pytest.mark.parametrize("mode", ["MULTI_CLASS", "MULTI_LABEL"])
def test_a_classifier_read_from_its_artifact_scores_as_before(mode: Mode, tmp_path: Path) -> None:
    model = classifier(mode)
    save_artifact(tmp_path / "a", model.to_artifact())
    read = ClassifierModel.from_artifact(load_artifact(io.BytesIO((tmp_path / "a").read_bytes()), "classifier"))
    texts = ["a cat", "a dog and a dog", "nothing", ""]
    assert np.allclose(read.scores(texts, None), model.scores(texts, None), atol=1e-3)
    assert read.decide(read.scores(texts[:2], None)).tolist() == [[True, False], [False, True]]


def test_scores_of_one_label_sum_to_one_and_of_several_are_independent() -> None:
    texts = ["cat", "dog", "cat dog"]
    assert np.allclose(classifier("MULTI_CLASS").scores(texts, None).sum(axis=1), 1)
    several = classifier("MULTI_LABEL").scores(texts, None)
    # Without any known word the probability is 0.5, which is above the model's cut.
    assert several[2].tolist() == pytest.approx([0.54] * 2, abs=1e-3)


def test_a_classifier_whose_arrays_do_not_match_is_refused() -> None:
    broken = classifier("MULTI_CLASS").to_artifact()
    broken.arrays["term_intercepts"] = np.zeros(3, np.float32)
    with pytest.raises(ValueError, match="shape"):
        ClassifierModel.from_artifact(broken)


@given(st.floats(0, 1), st.floats(0.01, 0.99))
def test_scores_from_the_cut_on_are_at_least_a_half_and_keep_order_and_bounds(probability: float, cut: float) -> None:
    low, high = around_half(np.array([probability, min(1.0, probability + 0.01)]), cut)
    assert 0 <= low <= high <= 1
    assert (low >= 0.5) == (probability >= cut)


def test_probabilities_outside_the_range_from_the_cut_to_a_half_are_unchanged() -> None:
    probabilities = np.array([0.0, 0.1, 0.19, 0.2, 0.4, 0.56, 1.0])
    assert around_half(probabilities, 0.2) == pytest.approx([0, 0.1, 0.19, 0.5, 0.5 + 0.05 * 0.2 / 0.35, 0.56, 1])
    assert around_half(probabilities, 0.7)[[0, 4, 5, 6]] == pytest.approx([0, 0.4, 0.5 - 0.05 * 0.14 / 0.25, 1])


def tokens(text: str) -> list[Token]:
    """Return the words of a text with single blanks between them."""
    found, position = [], 0
    for word in text.split(" "):
        found.append(Token(position, position + len(word), word))
        position += len(word) + 1
    return found


_KINDS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4), st.sampled_from("AB")), max_size=4)


@given(_KINDS)
def test_spans_can_be_recovered_from_labels(chosen: list[tuple[int, int, str]]) -> None:
    words = tokens("aa b ccc d ee f g hh i jj k l mm")
    spans, behind = [], 0
    for first, length, kind in sorted(chosen):
        if first >= behind:
            behind = first + length
            spans.append((words[first].begin, words[behind - 1].end, kind))
    found = [(words[first].begin, words[last - 1].end, kind) for first, last, kind in runs(labels_of(words, spans))]
    assert found == spans


def test_an_inside_label_without_a_begin_label_still_begins_an_entity() -> None:
    assert runs(["I-A", "I-A", "O", "B-B", "I-A"]) == [(0, 2, "A"), (3, 4, "B"), (4, 5, "A")]


def test_a_list_matches_whole_tokens_and_the_longest_entry() -> None:
    text = "New York City and New Yorkers in York"
    entries = {"New York": "STATE", "New York City": "CITY", "York": "TOWN"}
    assert listed_spans(text, tokens(text), entries, {4, 8, 13}) == [(0, 13, "CITY"), (33, 37, "TOWN")]


def test_one_very_long_entry_does_not_cause_a_lookup_of_every_span() -> None:
    looked_up = []

    class Entries(dict[str, str]):
        def get(self, text: str, default: Any = None) -> Any:
            looked_up.append(text)
            return super().get(text, default)

    text = "ab " * 300
    entries = Entries({"ab ab": "PAIR", "x" * 5000: "LONG"})
    assert len(listed_spans(text, tokens(text), entries, {5, 5000})) == 150
    assert len(looked_up) == 150


def test_shapes_show_letters_digits_and_length() -> None:
    assert [word_shape(word) for word in ("McDonald", "EU", "2024", "Tromsø-5")] == ["XxXxx", "XX", "dd", "Xxx-d"]


@given(st.lists(st.sampled_from([".", "word"]), max_size=400))
def test_stretches_join_to_all_tokens_and_end_at_sentences(words: list[str]) -> None:
    found = tokens(" ".join(words)) if words else []
    cut = list(stretches(found))
    assert [token for stretch in cut for token in stretch] == found
    assert all(len(stretch) <= STRETCH_TOKENS for stretch in cut)
    for stretch in cut[:-1]:
        assert stretch[-1].word == "." or "." not in [token.word for token in stretch[STRETCH_TOKENS // 2 :]]
