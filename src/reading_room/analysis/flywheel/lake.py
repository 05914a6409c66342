"""The data lake of a flywheel in its owner's bucket: the marker of its schema, and its folders.

A lake is below ``<DataLakeS3Uri>/<flywheel>/schemaVersion=1/<time>/``. The marker says whose it is. Its digest is in
the service's records, so every later job notices a lake that is not the one that was made.
"""

from __future__ import annotations

import hashlib
import json
from itertools import islice
from pathlib import Path

from reading_room.analysis.flywheel.layout import FOLDERS, MARKER, SCHEMA
from reading_room.analysis.job_file import Done, Location
from reading_room.analysis.program import Work
from reading_room.analysis.storage import JobFailure, Storage
from reading_room.analysis.training.data_lake import CHANGED, check_marker, read_marker

FOREIGN = "FOREIGN_DATA_LAKE"
"""The failure code of a place for a lake that has objects of something else."""
KEYS_LOOKED_AT = 100_000


class LakePreparation:
    """Makes a lake, or checks that it can be used as before."""

    def run(self, work: Work) -> Done:
        """Write the marker and the folders, or check the marker if its digest is given. Raise ``JobFailure``.

        The output of the job is the marker.
        """
        request, output = json.loads(work.job.request), work.job.output
        if request.get("Marker"):
            content = check_marker(work.storage, request["Marker"])
            work.storage.probe_output(output)
            return _done(content)
        _refuse_foreign(work.storage, work.job.input)
        folder = output.key.removesuffix(MARKER)
        for name in FOLDERS:
            write(work, Location(output.bucket, folder + name), b"")
        content = json.dumps({"SchemaVersion": 1, "FlywheelArn": request["FlywheelArn"]}).encode()
        write(work, output, content)
        if read_marker(work.storage, output) != content:
            raise JobFailure(CHANGED, f"s3://{output.bucket}/{output.key} was changed while the flywheel was created")
        return _done(content)


def write(work: Work, place: Location, content: bytes) -> None:
    """Write a small object. Raise ``JobFailure``."""
    path = Path(work.scratch, "object")
    path.write_bytes(content)
    work.storage.write(place, path)


def _refuse_foreign(storage: Storage, place: Location) -> None:
    for entry in islice(storage.list_input(place), KEYS_LOOKED_AT):
        if not entry.key[len(place.key) :].startswith(SCHEMA):
            raise JobFailure(
                FOREIGN,
                f"s3://{place.bucket}/{entry.key} is not of a data lake with {SCHEMA.rstrip('/')}, which is all that "
                f"s3://{place.bucket}/{place.key} may have: choose another DataLakeS3Uri or FlywheelName",
            )


def _done(content: bytes) -> Done:
    return Done(0, 0, len(content), hashlib.sha256(content).hexdigest(), metadata="{}")
