"""Validation of what trainings, and the work of flywheels, report about their output, member by member.

Trainings report ClassifierMetadata or RecognizerMetadata. Their containers are not trusted: their figures are taken as
reported, but must have the API's names, types and bounds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from reading_room.analysis.flywheel.layout import EVALUATED, TRAINED

TEXT_LIMIT = 100_000
"""The most characters of metadata that are parsed."""
ENTITY_TYPES = 25
TYPE_LENGTH = 64
_LARGEST = 2**31 - 1

Check = Callable[[str, Any], None]


def _count(name: str, value: Any) -> None:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError(f"{name} is {value!r:.60}, not a whole number from 0 to {_LARGEST}")


def _figure(most: float) -> Check:
    def check(name: str, value: Any) -> None:
        # NaN is in no range.
        if type(value) not in (int, float) or not 0 <= value <= most:
            raise ValueError(f"{name} is {value!r:.60}, not a number from 0 to {most:g}")

    return check


def _members(name: str, value: Any, checks: Mapping[str, Check]) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not an object")
    if set(value) != set(checks):
        odd = sorted(set(value) ^ set(checks))
        raise ValueError(f"{name} lacks members or has unknown ones: {', '.join(odd)[:200]}")
    for member, check in checks.items():
        check(f"{name}.{member}", value[member])


def _structure(checks: Mapping[str, Check]) -> Check:
    return lambda name, value: _members(name, value, checks)


def _type_name(name: str, value: Any) -> None:
    if not isinstance(value, str) or not 1 <= len(value) <= TYPE_LENGTH or not value.isprintable():
        raise ValueError(f"{name} is {value!r:.60}, not a type's name")


def _entity_types(name: str, value: Any) -> None:
    if not isinstance(value, list) or len(value) > ENTITY_TYPES:
        raise ValueError(f"{name} is not a list of at most {ENTITY_TYPES} types")
    for number, each in enumerate(value):
        _members(f"{name}[{number}]", each, _ENTITY_TYPE)


_FRACTION, _PERCENT = _figure(1), _figure(100)
_CLASSIFIER_METRICS = (
    "Accuracy", "Precision", "Recall", "F1Score", "MicroPrecision", "MicroRecall", "MicroF1Score", "HammingLoss",
)  # fmt: skip
_CLASSIFIER: Mapping[str, Check] = {
    "NumberOfLabels": _count,
    "NumberOfTrainedDocuments": _count,
    "NumberOfTestDocuments": _count,
    "EvaluationMetrics": _structure(dict.fromkeys(_CLASSIFIER_METRICS, _FRACTION)),
}
# A recognizer's metrics are percentages, like Amazon's for plain text.
_RECOGNIZER_METRICS = _structure(dict.fromkeys(("Precision", "Recall", "F1Score"), _PERCENT))
_ENTITY_TYPE: Mapping[str, Check] = {
    "Type": _type_name,
    "EvaluationMetrics": _RECOGNIZER_METRICS,
    "NumberOfTrainMentions": _count,
}
_RECOGNIZER: Mapping[str, Check] = {
    "NumberOfTrainedDocuments": _count,
    "NumberOfTestDocuments": _count,
    "EvaluationMetrics": _RECOGNIZER_METRICS,
    "EntityTypes": _entity_types,
}
_EVALUATION = _structure(
    dict.fromkeys(("AverageF1Score", "AveragePrecision", "AverageRecall", "AverageAccuracy"), _FRACTION)
)
_EVALUATIONS: Mapping[str, Check] = {"NumberOfTestDocuments": _count, TRAINED: _EVALUATION}
_OF_ANALYSIS = {
    "classifier-training": ("ClassifierMetadata", _CLASSIFIER),
    "recognizer-training": ("RecognizerMetadata", _RECOGNIZER),
    "flywheel-lake": ("The description of a data lake", {}),
    "flywheel-dataset": ("The description of a dataset", {"NumberOfDocuments": _count}),
    "classifier-evaluation": ("The evaluation", _EVALUATIONS),
    "recognizer-evaluation": ("The evaluation", _EVALUATIONS),
}


def check_metadata(analysis: str, text: str) -> None:
    """Raise ``ValueError`` unless ``text`` is a JSON object with the metadata of a training of this kind."""
    name, checks = _OF_ANALYSIS[analysis]
    if len(text) > TEXT_LIMIT:
        raise ValueError(f"{name} has {len(text)} characters, more than {TEXT_LIMIT}")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not JSON: {error}") from None
    if isinstance(value, dict) and checks is _EVALUATIONS and EVALUATED in value:
        # A flywheel's first iteration has no active model to evaluate.
        checks = {**checks, EVALUATED: _EVALUATION}
    _members(name, value, checks)
