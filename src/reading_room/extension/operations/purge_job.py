"""Purging a job that has ended: erasing its traces, and saying of each what was erased, what was kept, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from reading_room.analysis.job_file import Location
from reading_room.aws.call import Call
from reading_room.aws.operations import BoundOperation, OperationFacts, no_context
from reading_room.comprehend.errors import JobNotFoundException
from reading_room.database.engine import Database
from reading_room.extension.errors import ResourceInUseException
from reading_room.iam.errors import AccessDeniedException
from reading_room.jobs import purging
from reading_room.jobs.errors import JobRuns, ModelsTraining, UnknownJob
from reading_room.jobs.places import is_folder, location_of
from reading_room.jobs.tables import JobRow
from reading_room.s3.errors import AccessDenied, NoSuchBucket
from reading_room.s3.store import ObjectStore

_FLOW_RECORDS = (
    "Flow log records have addresses, ports and numbers of packets and bytes, but no text of documents. They are in "
    "the log groups and buckets of the flow logs."
)

_USAGE = "Usage has only numbers: documents, characters and units. A bill needs them."


class PurgeJobOperations:
    """Purges jobs."""

    def __init__(self, database: Database, store: ObjectStore, trail_days: int) -> None:
        """``trail_days`` is how long the trail is kept."""
        self._database = database
        self._store = store
        self._trail_days = trail_days

    def bound_operations(self) -> Iterator[BoundOperation]:
        """Yield PurgeJob. The resource is the job's ARN, also if the request has its id."""
        facts = OperationFacts(
            "reading-room", "PurgeJob", "reading-room:PurgeJob", self._job_arn, no_context, None, True
        )
        yield BoundOperation(facts, self.purge_job)

    def purge_job(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """PurgeJob. It can be repeated: the record goes last, so an interrupted purge is found and completed.

        The caller also needs ``s3:DeleteObject`` on the output, unless it is kept, and ``s3:DeleteObjectVersion`` if
        the bucket has versions, which all go; else nothing is erased.
        """
        identifier, dry, keep = request["JobId"], request.get("DryRun", False), request.get("KeepOutput", False)
        with self._database.reading() as session:
            row = _ended(session, call.account, identifier)
            story = purging.story_of(session, row)
        output = self._output(call, row, dry, keep)
        if not dry:
            with self._database.transaction() as session:
                purging.erase(session, _ended(session, call.account, identifier))
        return {
            "JobId": row.job_id,
            "JobArn": row.arn,
            "DryRun": dry,
            "Traces": [
                output,
                _erased("LogStream", story.lines, story.bytes),
                _erased("Story", story.events),
                _erased("Record", 1),
                {
                    "Trace": "Containers",
                    "Result": "ABSENT",
                    "Reason": "Its containers, their files and their interfaces were removed when it ended.",
                },
                {"Trace": "Trail", "Result": "KEPT", "Reason": self._about_the_trail()},
                {"Trace": "FlowRecords", "Result": "KEPT", "Reason": _FLOW_RECORDS},
                {"Trace": "Usage", "Result": "KEPT", "Reason": _USAGE},
            ],
        }

    def _job_arn(self, call: Call) -> Sequence[str]:
        identifier = str(call.parameters["JobId"])
        with self._database.reading() as session:
            row = purging.found_job(session, call.account, identifier)
        if row is not None:
            return (row.arn,)
        if identifier.startswith("arn:"):
            return (identifier,)
        return (f"arn:aws:comprehend:{call.region}:{call.account}:*/{identifier}",)

    def _output(self, call: Call, row: JobRow, dry: bool, keep: bool) -> dict[str, Any]:
        place = location_of(row.output_uri)
        found = self._objects(place)
        if not found:
            return {"Trace": "Output", "Result": "ABSENT", "Reason": f"There is no object {row.output_uri}."}
        size = sum(found.values())
        if keep:
            what = f"The objects are below {row.output_uri}" if is_folder(place) else f"The object is {row.output_uri}"
            reason = f"The request has KeepOutput. {what}."
            return {"Trace": "Output", "Result": "KEPT", "Count": len(found), "Bytes": size, "Reason": reason}
        try:
            for key in found:
                self._store.may_delete(call, place.bucket, key)
            for key in () if dry else found:
                self._store.delete_for(call, place.bucket, key)
        except AccessDenied as error:
            raise AccessDeniedException(
                f"{error.message} Nothing was erased. To purge the job all the same and leave {row.output_uri}, set "
                "KeepOutput."
            ) from error
        except NoSuchBucket:
            return {"Trace": "Output", "Result": "ABSENT", "Reason": f"The bucket {place.bucket} does not exist."}
        return _erased("Output", len(found), size)

    def _objects(self, place: Location) -> dict[str, int]:
        """Return the sizes of a job's output objects by key, with all their versions."""
        found = self._store.sizes_of_keys(place.bucket, place.key)
        return {key: size for key, size in found.items() if is_folder(place) or key == place.key}

    def _about_the_trail(self) -> str:
        return (
            "The trail has the calls about the job, with its name and those of its objects, but no text of documents. "
            "Each line has the digest of the one before, so none can be removed without breaking the proof that the "
            f"trail is whole. Its files are deleted after {self._trail_days} days."
        )


def _ended(session: Session, account: str, identifier: str) -> JobRow:
    """Return an ended job. Raises ``JobNotFoundException`` and ``ResourceInUseException``."""
    try:
        return purging.ended_job(session, account, identifier)
    except UnknownJob as error:
        raise JobNotFoundException(identifier) from error
    except JobRuns as error:
        raise ResourceInUseException.by_running(error.job_id, error.status) from error
    except ModelsTraining as error:
        raise ResourceInUseException.by_model(error.model_arn) from error


def _erased(trace: str, count: int, size: int | None = None) -> dict[str, Any]:
    """Return a trace that was erased, or that never existed."""
    if not count:
        return {"Trace": trace, "Result": "ABSENT"}
    found: dict[str, Any] = {"Trace": trace, "Result": "ERASED", "Count": count}
    return found if size is None else found | {"Bytes": size}
