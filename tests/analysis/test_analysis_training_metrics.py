"""The figures of custom models, and the documents that they are computed from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.analysis.training.metrics import classifier_metrics, confusion_matrix, recognizer_metadata
from reading_room.analysis.training.split import held_back


def one_hot(labels: list[int], size: int = 3) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return documents x labels, with one label each."""
    return np.eye(size, dtype=np.bool_)[labels]


def test_with_one_label_per_document_micro_figures_equal_the_accuracy() -> None:
    figures = classifier_metrics(one_hot([0, 0, 0, 1, 1, 2]), one_hot([0, 0, 1, 1, 1, 1]), "MULTI_CLASS")
    assert figures == {
        "Accuracy": 0.6667,
        "Precision": 0.5,
        "Recall": 0.5556,
        "F1Score": 0.4889,
        "MicroPrecision": 0.6667,
        "MicroRecall": 0.6667,
        "MicroF1Score": 0.6667,
        "HammingLoss": 0.3333,
    }


def test_with_several_labels_the_loss_counts_every_decision() -> None:
    actual = np.array([[1, 1, 0], [0, 1, 0]], dtype=np.bool_)
    predicted = np.array([[1, 0, 0], [0, 1, 1]], dtype=np.bool_)
    figures = classifier_metrics(actual, predicted, "MULTI_LABEL")
    assert figures["HammingLoss"] == 0.3333
    assert figures["MicroPrecision"] == figures["MicroRecall"] == figures["Accuracy"] == 0.6667
    assert figures["Precision"] == 0.6667
    assert figures["Recall"] == 0.5


def test_a_matrix_has_actual_labels_in_its_rows() -> None:
    matrix = confusion_matrix(one_hot([0, 0, 1, 2]), one_hot([0, 1, 1, 1]), ["a", "b", "c"], "MULTI_CLASS")
    assert matrix == {
        "type": "multi_class",
        "confusion_matrix": [[1, 1, 0], [0, 1, 0], [0, 1, 0]],
        "labels": ["a", "b", "c"],
        "all_labels": ["a", "b", "c"],
    }
    several = confusion_matrix(
        np.array([[1, 0], [1, 1]], np.bool_), np.array([[1, 1], [0, 1]], np.bool_), ["a", "b"], "MULTI_LABEL"
    )
    assert several["type"] == "multi_label"
    assert several["confusion_matrix"] == [[[0, 0], [1, 1]], [[0, 1], [0, 1]]]


def test_an_entity_counts_as_found_if_span_and_type_are_right() -> None:
    actual = [[(0, 4, "A"), (5, 9, "B")], []]
    predicted = [[(0, 4, "A"), (5, 8, "B")], [(1, 2, "A")]]
    figures = recognizer_metadata(actual, predicted, ["A", "B"], {"A": 30, "B": 26}, 90, 2)
    assert figures["EvaluationMetrics"] == pytest.approx({"Precision": 100 / 3, "Recall": 50.0, "F1Score": 40.0})
    first, second = figures["EntityTypes"]
    assert first["EvaluationMetrics"] == pytest.approx({"Precision": 50.0, "Recall": 100.0, "F1Score": 200 / 3})
    assert second == {
        "Type": "B",
        "EvaluationMetrics": {"Precision": 0.0, "Recall": 0.0, "F1Score": 0.0},
        "NumberOfTrainMentions": 26,
    }


_LABELS = st.lists(st.sets(st.sampled_from("abc"), min_size=1).map(lambda found: tuple(sorted(found))), max_size=200)


@given(_LABELS, st.sampled_from([0.1, 0.2, 0.5]))
def test_every_label_with_at_least_two_documents_is_in_both_parts(labels: list[tuple[str, ...]], share: float) -> None:
    held = held_back(labels, share)
    assert (held == held_back(labels, share)).all()
    singles = [document for document in labels if len(document) == 1]
    if len(singles) == len(labels):
        for label in {document[0] for document in labels}:
            own = [bool(h) for h, document in zip(held, labels, strict=True) if document == (label,)]
            if len(own) > 1:
                assert 0 < sum(own) < len(own)
                assert abs(sum(own) - share * len(own)) <= 1
