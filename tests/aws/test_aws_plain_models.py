"""The plain loader reads what botocore's loader reads, except for documentation."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader

from reading_room.aws.plain_models import PlainLoader


def without_documentation(value: Any) -> Any:
    """Return a copy in which the texts named ``documentation`` are empty, at any depth."""
    if isinstance(value, dict):
        return {
            name: "" if name == "documentation" and isinstance(each, str) else without_documentation(each)
            for name, each in value.items()
        }
    return [without_documentation(each) for each in value] if isinstance(value, list) else value


@pytest.mark.costs(0.1, reason="it reads a model of AWS twice")
def test_a_model_of_botocore_is_the_same_without_documentation() -> None:
    theirs = Loader().load_service_model("sts", "service-2")
    ours = PlainLoader().load_service_model("sts", "service-2")
    assert json.dumps(ours) == json.dumps(without_documentation(theirs)) != json.dumps(theirs)


def test_a_member_named_documentation_and_a_file_of_our_own_are_unchanged(tmp_path: Path) -> None:
    model = {"documentation": "text", "members": {"documentation": {"shape": "String"}}}
    (tmp_path / "own.json").write_text(json.dumps(model))
    with gzip.open(tmp_path / "packed.json.gz", "wt") as file:
        json.dump(model, file)
    read = PlainLoader().file_loader.load_file
    assert read(str(tmp_path / "own")) == model
    assert read(str(tmp_path / "packed")) == model | {"documentation": ""}
    assert read(str(tmp_path / "none")) is None
