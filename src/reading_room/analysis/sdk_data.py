"""The part of botocore's data that a worker needs, which is a tenth of what its client of S3 would parse.

The agent writes it once for all containers (``containers/prepared.py``). It is made from botocore's own files, as they
are installed, without importing botocore. Measured: 9 instead of 40 ms of processor time for a worker's first client.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reading_room.analysis.job_file import MODELS_FOLDER

FOLDER = Path(MODELS_FOLDER, "sdk")
"""Where a container finds the data."""
OPERATIONS = (
    *("ListObjectsV2", "GetObject", "PutObject", "DeleteObjects"),
    *("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload"),
)
"""What a worker calls."""
_SERVICE = "s3"
_COPIED = ("_retry", "partitions", "sdk-default-configuration")


def write_sdk_data(source: Path, target: Path) -> None:
    """Write the data into a folder from the folder ``data`` of a botocore.

    Raises ``OSError``, and ``ValueError`` or ``LookupError`` if its files have another form.
    """
    version = max(path.name for path in (source / _SERVICE).iterdir())
    found = {name: _read(source / f"{name}.json") for name in _COPIED}
    found["endpoints"] = _of_one_service(_read(source / "endpoints.json"))
    for path in sorted((source / _SERVICE / version).iterdir()):
        name = path.name.removesuffix(".gz").removesuffix(".json")
        if not name.startswith(("service-2", "paginators-1", "endpoint-rule-set-1")):
            continue
        content = _read(path)
        found[f"{_SERVICE}/{version}/{name}"] = _of_operations(content) if name == "service-2" else content
    (target / _SERVICE / version).mkdir(parents=True)
    for name, content in found.items():
        (target / f"{name}.json").write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")


def _read(path: Path) -> Any:
    content = path.read_bytes()
    return json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)


def _of_one_service(endpoints: Any) -> Any:
    for partition in endpoints["partitions"]:
        partition["services"] = {name: each for name, each in partition["services"].items() if name == _SERVICE}
    return endpoints


def _of_operations(model: Any) -> Any:
    """Return the model with only the operations of workers and their shapes, without documentation."""
    operations = {name: model["operations"][name] for name in OPERATIONS}
    shapes: dict[str, Any] = {}
    unread = [name for each in operations.values() for name in _references(each)]
    while unread:
        name = unread.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            unread += _references(shapes[name])
    return _undocumented({**model, "operations": operations, "shapes": shapes})


def _references(value: Any) -> Iterator[str]:
    """Yield the names of the shapes that a part of a model refers to."""
    for name, each in value.items() if isinstance(value, dict) else enumerate(value):
        if name == "shape" and isinstance(each, str):
            yield each
        elif isinstance(each, dict | list):
            yield from _references(each)


def _undocumented(value: Any) -> Any:
    # botocore insists on some of the texts, and a member of this name, unlike the text, is an object.
    if isinstance(value, dict):
        return {
            name: "" if name == "documentation" and isinstance(each, str) else _undocumented(each)
            for name, each in value.items()
        }
    return [_undocumented(each) for each in value] if isinstance(value, list) else value
