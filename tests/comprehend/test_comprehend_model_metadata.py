"""Validating the metadata that a training reports."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.comprehend.models.metadata import check_metadata

RECOGNIZER: dict[str, Any] = {
    "NumberOfTrainedDocuments": 9,
    "NumberOfTestDocuments": 1,
    "EvaluationMetrics": {"Precision": 100.0, "Recall": 0, "F1Score": 12.5},
    "EntityTypes": [
        {
            "Type": "ENGINEER",
            "EvaluationMetrics": {"Precision": 100.0, "Recall": 0, "F1Score": 12.5},
            "NumberOfTrainMentions": 7,
        }
    ],
}
METRICS = ("Accuracy", "Precision", "Recall", "F1Score", "MicroPrecision", "MicroRecall", "MicroF1Score", "HammingLoss")
CLASSIFIER: dict[str, Any] = {
    "NumberOfLabels": 2,
    "NumberOfTrainedDocuments": 9,
    "NumberOfTestDocuments": 1,
    "EvaluationMetrics": dict.fromkeys(METRICS, 0.5),
}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*RECOGNIZER, *METRICS]), inner),
    max_leaves=9,
)


def test_the_figures_of_both_kinds_are_accepted() -> None:
    check_metadata("recognizer-training", json.dumps(RECOGNIZER))
    check_metadata("classifier-training", json.dumps(CLASSIFIER))


@pytest.mark.parametrize(
    ("place", "value", "word"),
    [
        (("NumberOfTestDocuments",), -1, "NumberOfTestDocuments"),
        (("NumberOfTestDocuments",), True, "NumberOfTestDocuments"),
        (("NumberOfTestDocuments",), 1.0, "NumberOfTestDocuments"),
        (("EvaluationMetrics", "Recall"), 100.5, "Recall"),
        (("EvaluationMetrics", "Recall"), float("nan"), "Recall"),
        (("EvaluationMetrics", "Recall"), float("inf"), "Recall"),
        (("EvaluationMetrics", "Recall"), 10**400, "Recall"),
        (("EntityTypes", 0, "Type"), "A\x1b[2J", "Type"),
        (("EntityTypes", 0, "Type"), "A" * 65, "Type"),
        (("EntityTypes",), [RECOGNIZER["EntityTypes"][0]] * 26, "at most 25"),
        (("EntityTypes",), {}, "EntityTypes"),
        (("Secret",), "x", "Secret"),
    ],
)
def test_an_invalid_member_is_refused_by_name(place: tuple[Any, ...], value: Any, word: str) -> None:
    said: Any = deepcopy(RECOGNIZER)
    inner = said
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with pytest.raises(ValueError, match=word):
        check_metadata("recognizer-training", json.dumps(said))


@given(anything, st.sampled_from(["recognizer-training", "classifier-training"]))
def test_any_other_json_raises_value_error(value: Any, analysis: str) -> None:
    with pytest.raises(ValueError):
        check_metadata(analysis, json.dumps(value))


@given(st.text())
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        check_metadata("classifier-training", text)


FIGURES = dict.fromkeys(("AverageF1Score", "AveragePrecision", "AverageRecall", "AverageAccuracy"), 0.5)
EVALUATION = {"NumberOfTestDocuments": 3, "Trained": FIGURES}


@pytest.mark.parametrize("analysis", ["classifier-evaluation", "recognizer-evaluation"])
def test_an_evaluation_has_the_figures_of_one_model_or_of_two(analysis: str) -> None:
    for found in (EVALUATION, {**EVALUATION, "Evaluated": FIGURES}):
        check_metadata(analysis, json.dumps(found))
    wrong: list[Any] = [
        {**EVALUATION, "Evaluated": {}},
        {**EVALUATION, "Other": FIGURES},
        {**EVALUATION, "Trained": {**FIGURES, "AverageRecall": 1.5}},
        {"Evaluated": FIGURES, "NumberOfTestDocuments": 3},
        [],
    ]
    for each in wrong:
        with pytest.raises(ValueError, match="The evaluation"):
            check_metadata(analysis, json.dumps(each))


def test_a_lake_and_a_dataset_are_described_with_little() -> None:
    check_metadata("flywheel-lake", "{}")
    check_metadata("flywheel-dataset", '{"NumberOfDocuments": 7}')
    for analysis, text in (("flywheel-lake", '{"x": 1}'), ("flywheel-dataset", "{}"), ("flywheel-dataset", "[")):
        with pytest.raises(ValueError, match="The description"):
            check_metadata(analysis, text)
