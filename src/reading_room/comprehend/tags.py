"""Tags of Comprehend's resources: functions on a database session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from reading_room.analysis.formats import ANY, COLUMN, COLUMN_TAG, DOCUMENTS, DOCUMENTS_TAG
from reading_room.analysis.kinds import CONTAINER_BYTES, work_of
from reading_room.comprehend.aliases import check_alias
from reading_room.comprehend.errors import (
    ContainersTagInvalid,
    DocumentsTagInvalid,
    DuplicateTagKey,
    ReservedTagKey,
    ResourceNotFoundException,
    RunsInOneContainer,
    TagFixed,
    TooManyTagKeysException,
    TooManyTagsException,
)
from reading_room.comprehend.pii_profiles import PROFILE_TAG
from reading_room.comprehend.schedules import SCHEDULE_TAG, check_schedule
from reading_room.comprehend.tables import DatasetRow, EndpointRow, FlywheelRow, ModelRow
from reading_room.comprehend.vpc_tag import VPC_TAG
from reading_room.jobs.job import CONTAINERS
from reading_room.jobs.tables import JobRow, JobTagRow

TAGS_PER_RESOURCE = 50
CONTAINERS_TAG = "reading-room:containers"
"""The tag that sets the number of containers of a job."""
FIXED_TAGS = (VPC_TAG, PROFILE_TAG)
"""The tags that stay as they were when a job was submitted."""


def as_mapping(tags: Sequence[Mapping[str, str]], *, of_flywheel: bool = False) -> dict[str, str]:
    """Return a request's tags as a mapping. Only those ``of_flywheel`` may have a schedule.

    Raises ``TooManyTagsException``, ``ReservedTagKey`` (``aws:``), ``DuplicateTagKey``, ``ContainersTagInvalid``
    if the value of ``CONTAINERS_TAG`` is not a valid number of containers, ``DocumentsTagInvalid``,
    ``AliasTagInvalid``, and ``ScheduleTagInvalid``.
    """
    if len(tags) > TAGS_PER_RESOURCE:
        raise TooManyTagsException(TAGS_PER_RESOURCE, len(tags))
    mapping: dict[str, str] = {}
    for tag in tags:
        key = tag["Key"]
        if key.lower().startswith("aws:"):
            raise ReservedTagKey(key)
        if key in mapping:
            raise DuplicateTagKey(key)
        mapping[key] = tag.get("Value", "")
    containers_requested(mapping)
    documents_requested(mapping)
    check_alias(mapping)
    check_schedule(mapping.get(SCHEDULE_TAG), of_flywheel=of_flywheel)
    return mapping


def documents_requested(tags: Mapping[str, str]) -> dict[str, str] | None:
    """Return how the tags want documents read, or ``None`` for text only. Raises ``DocumentsTagInvalid``."""
    value, column = tags.get(DOCUMENTS_TAG), tags.get(COLUMN_TAG)
    if value not in (None, ANY):
        raise DocumentsTagInvalid(DOCUMENTS_TAG, value, f"it takes {ANY!r}")
    if column is None:
        return None if value is None else {}
    if value is None or not column.strip():
        expected = f"it takes the name of a column, beside the tag {DOCUMENTS_TAG}={ANY}"
        raise DocumentsTagInvalid(COLUMN_TAG, column, expected)
    return {COLUMN: column}


def containers_requested(tags: Mapping[str, str]) -> int | None:
    """Return the number of containers that the tags set, or ``None``. Raises ``ContainersTagInvalid``."""
    value = tags.get(CONTAINERS_TAG)
    if value is None:
        return None
    if value not in map(str, range(1, CONTAINERS + 1)):
        raise ContainersTagInvalid(CONTAINERS_TAG, value, CONTAINERS)
    return int(value)


def check_containers(tags: Mapping[str, str], analysis: str, request: Mapping[str, Any]) -> None:
    """Raise ``RunsInOneContainer`` for tags that ask for several containers if the work cannot be divided.

    ``request`` has the members that only this kind of job has.
    """
    requested, work = containers_requested(tags), work_of(analysis, request)
    if requested is not None and requested > 1 and work not in CONTAINER_BYTES:
        raise RunsInOneContainer(CONTAINERS_TAG, requested, work)


def tags_of(session: Session, account: str, arn: str) -> dict[str, str]:
    """Return a resource's tags by key. Raises ``ResourceNotFoundException``."""
    _require(session, account, arn)
    return stored(session, arn)


def stored(session: Session, arn: str) -> dict[str, str]:
    """Return the tags of the resource with an ARN; none if it does not exist."""
    rows = session.scalars(select(JobTagRow).where(JobTagRow.arn == arn).order_by(JobTagRow.key))
    return {row.key: row.value for row in rows}


def add(session: Session, account: str, arn: str, tags: Mapping[str, str]) -> None:
    """Add tags, replacing the values of existing keys.

    Raises ``TooManyTagsException`` if there would be more than 50, ``RunsInOneContainer``, ``TagFixed``, and
    ``DocumentsTagInvalid`` for tags that would change how a submitted job reads its documents.
    """
    present = tags_of(session, account, arn)
    together = present | dict(tags)
    if len(together) > TAGS_PER_RESOURCE:
        raise TooManyTagsException(TAGS_PER_RESOURCE, len(together))
    _check_fixed(present, tags)
    job = session.scalar(select(JobRow).where(JobRow.arn == arn))
    if job is not None:
        check_containers(tags, job.analysis, job.request)
        changed = {DOCUMENTS_TAG, COLUMN_TAG} & tags.keys()
        if changed and documents_requested(together) != job.request.get(DOCUMENTS):
            key = min(changed)
            raise DocumentsTagInvalid(key, tags[key], "it takes effect only in the request that starts a job")
    for key, value in tags.items():
        session.merge(JobTagRow(arn=arn, key=key, value=value))


def remove(session: Session, account: str, arn: str, keys: Sequence[str]) -> None:
    """Remove tags, ignoring absent keys.

    Raises ``TooManyTagKeysException`` for more than 50 keys, and ``TagFixed``.
    """
    if len(keys) > TAGS_PER_RESOURCE:
        raise TooManyTagKeysException(TAGS_PER_RESOURCE, len(keys))
    _check_fixed(tags_of(session, account, arn), dict.fromkeys(keys))
    session.execute(delete(JobTagRow).where(JobTagRow.arn == arn, JobTagRow.key.in_(keys)))


def _check_fixed(present: Mapping[str, str], tags: Mapping[str, str | None]) -> None:
    """Raise ``TagFixed`` if tags that are added, or removed (``None``), would change a fixed one."""
    for key in FIXED_TAGS:
        if key in tags and tags[key] != present.get(key):
            raise TagFixed(key)


def _require(session: Session, account: str, arn: str) -> None:
    job = session.scalar(select(JobRow.job_id).where(JobRow.arn == arn, JobRow.account == account))
    model = session.scalar(select(ModelRow.model_id).where(ModelRow.arn == arn, ModelRow.account == account))
    endpoint = session.scalar(select(EndpointRow.arn).where(EndpointRow.arn == arn, EndpointRow.account == account))
    flywheel = session.scalar(select(FlywheelRow.arn).where(FlywheelRow.arn == arn, FlywheelRow.account == account))
    dataset = session.scalar(select(DatasetRow.arn).where(DatasetRow.arn == arn, DatasetRow.account == account))
    if all(found is None for found in (job, model, endpoint, flywheel, dataset)):
        raise ResourceNotFoundException
