"""Print the bill of materials (CycloneDX) of the weights: each folder with its files, licence and training data.

    SOURCE_DATE_EPOCH=1790000000 bill_of_weights.py FOLDER    the folder with the package's pyproject.toml

The same manifest and time give the same bytes. ``make release`` runs it, in the environment for releases.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import tomllib
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType, Pedigree
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

LICENCES = LicenseFactory()
SCHEMA = SchemaVersion.V1_6


def bill(project: Mapping[str, Any], manifest: Mapping[str, Any], made_at: dt.datetime) -> str:
    """Return the bill as JSON. ``project`` is the table of ``pyproject.toml``. Raises ``ValueError``."""
    name, version = project["name"], project["version"]
    found = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"urn:{name}:{version}"))
    found.metadata.timestamp = made_at
    found.metadata.component = Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=name,
        description=project["description"],
        licenses=[LICENCES.make_from_string(project["license"])],
    )
    for folder, entry in manifest.items():
        found.components.add(_component(folder, entry, version))
    found.register_dependency(found.metadata.component, found.components)
    text = str(make_outputter(found, OutputFormat.JSON, SCHEMA).output_as_string(indent=2)) + "\n"
    error = JsonStrictValidator(SCHEMA).validate_str(text)
    if error is not None:
        raise ValueError(f"the bill does not have CycloneDX's form: {error}")
    return text


def _component(folder: str, entry: Mapping[str, Any], version: str) -> Component:
    return Component(
        name=folder,
        version=version,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=folder,
        description=entry.get("start"),
        licenses=[LICENCES.make_from_string(entry["licence"])],
        pedigree=Pedigree(
            ancestors=[_corpus(each) for each in entry["corpora"]],
            notes=f"Made by {entry['recipe']} of Reading Room's source.",
        ),
        components=[
            Component(
                name=f"{folder}/{file}",
                type=ComponentType.FILE,
                bom_ref=f"{folder}/{file}",
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
            )
            for file, digest in entry["files"].items()
        ],
    )


def _corpus(corpus: Mapping[str, str]) -> Component:
    return Component(
        name=corpus["repository"],
        version=corpus["revision"],
        type=ComponentType.DATA,
        description=corpus["parts"],
        licenses=[LICENCES.make_from_string(corpus["licence"])],
    )


def main() -> None:
    """Print the bill of the folder that the argument names."""
    folder = Path(sys.argv[1])
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    manifest = tomllib.loads((folder / "reading_room_weights" / "MANIFEST.toml").read_text(encoding="utf-8"))
    made_at = dt.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), dt.UTC)
    sys.stdout.write(bill(project, manifest, made_at))


if __name__ == "__main__":
    main()
