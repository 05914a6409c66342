"""Create, Describe, List, StopTraining and Delete of both types of custom model, and ImportModel."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from reading_room.aws.call import Call
from reading_room.aws.operations import (
    BoundOperation,
    OperationFacts,
    PassedRole,
    any_resource,
    no_context,
    operation,
)
from reading_room.clock import Clock
from reading_room.comprehend.conditions import existing_model, new_model, source_model, start_context
from reading_room.comprehend.errors import InvalidRoleAccount, KmsKeyValidationException
from reading_room.comprehend.models.access import check_import
from reading_room.comprehend.models.lifecycle import copy_of, create, mark_for_deletion, stop
from reading_room.comprehend.models.listings import Summary, list_models, list_summaries
from reading_room.comprehend.models.models import CLASSIFIER, MODEL_KINDS, Model, ModelKind, find_of_kind
from reading_room.comprehend.models.requests import new_classifier, new_recognizer
from reading_room.comprehend.quotas import Quotas
from reading_room.comprehend.tags import as_mapping
from reading_room.database.engine import Database
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.ids import job_id as new_id

if TYPE_CHECKING:
    from mypy_boto3_comprehend.type_defs import ImportModelRequestTypeDef

Request = Mapping[str, Any]
Response = Mapping[str, Any]

PASSED_ROLE = PassedRole("DataAccessRoleArn", "comprehend.amazonaws.com")


class ModelOperations:
    """The operations on custom models."""

    def __init__(self, database: Database, clock: Clock, quotas: Quotas, authorizer: PolicyAuthorizer) -> None:
        self._database = database
        self._clock = clock
        self._quotas = quotas
        self._authorizer = authorizer

    def bound_operations(self) -> Iterator[BoundOperation]:
        """Yield the operations of each type of model; ``models.py`` has their names."""
        for kind in MODEL_KINDS.values():
            for name, resources, context, passed, handler in (
                (kind.create, new_model(kind), start_context, PASSED_ROLE, self._create),
                (kind.describe, existing_model(kind), no_context, None, self._describe),
                (kind.list, any_resource, no_context, None, self._list),
                (kind.summaries, any_resource, no_context, None, self._summaries),
                (kind.stop, existing_model(kind), no_context, None, self._stop),
                (kind.delete, existing_model(kind), no_context, None, self._delete),
            ):
                facts = OperationFacts("comprehend", name, f"comprehend:{name}", resources, context, passed, True)
                yield BoundOperation(facts, partial(handler, kind))

    def _create(self, kind: ModelKind, call: Call, request: Request) -> Response:
        self._quotas.count(call.account, kind.create)
        self._quotas.require_room()
        new = (new_classifier if kind is CLASSIFIER else new_recognizer)(call, new_id())
        with self._database.transaction() as session:
            arn = create(session, new, self._clock(), quota=self._quotas.jobs)
        return {kind.arn_member: arn}

    def _describe(self, kind: ModelKind, call: Call, request: Request) -> Response:
        self._quotas.count(call.account, kind.describe)
        with self._database.reading() as session:
            model = find_of_kind(session, call.account, kind, request[kind.arn_member])
        return {kind.properties: properties(model)}

    def _list(self, kind: ModelKind, call: Call, request: Request) -> Response:
        self._quotas.count(call.account, kind.list)
        criteria = request.get("Filter") or {}
        with self._database.reading() as session:
            page = list_models(
                session, call.account, kind, criteria, request.get("NextToken"), request.get("MaxResults")
            )
        return _listed(f"{kind.properties}List", [properties(model) for model in page.items], page.next_token)

    def _summaries(self, kind: ModelKind, call: Call, request: Request) -> Response:
        self._quotas.count(call.account, kind.summaries)
        with self._database.reading() as session:
            page = list_summaries(session, call.account, kind, request.get("NextToken"), request.get("MaxResults"))
        return _listed(kind.summary, [_summary(kind, each) for each in page.items], page.next_token)

    def _stop(self, kind: ModelKind, call: Call, request: Request) -> None:
        self._quotas.count(call.account, kind.stop)
        with self._database.transaction() as session:
            stop(session, find_of_kind(session, call.account, kind, request[kind.arn_member]), self._clock())

    def _delete(self, kind: ModelKind, call: Call, request: Request) -> None:
        self._quotas.count(call.account, kind.delete)
        with self._database.transaction() as session:
            model = find_of_kind(session, call.account, kind, request[kind.arn_member])
            mark_for_deletion(session, model, self._clock())

    @operation("comprehend", "ImportModel", resources=source_model, context=start_context, passes_role=PASSED_ROLE)
    def import_model(self, call: Call, request: ImportModelRequestTypeDef) -> Response:
        """Create a model by copying the artifact of another."""
        key, role_arn = request.get("ModelKmsKeyId"), request.get("DataAccessRoleArn")
        if key is not None:
            raise KmsKeyValidationException("ModelKmsKeyId", key)
        if role_arn is not None and f":{call.account}:" not in role_arn:
            raise InvalidRoleAccount(role_arn, call.account)
        tags = as_mapping([dict(tag) for tag in request.get("Tags", ())])  # type: ignore[arg-type]
        with self._database.transaction() as session:
            source = check_import(session, self._authorizer, call, request["SourceModelArn"], self._clock())
            arn = copy_of(
                session,
                source,
                call.account,
                new_id(),
                self._clock(),
                name=request.get("ModelName"),
                version=request.get("VersionName"),
                role_arn=role_arn,
                tags=tags,
            )
        return {"ModelArn": arn}


def properties(model: Model) -> dict[str, Any]:
    """Return a model as Describe and List show it: the given values and defaults, without members that do not apply."""
    row, job, kind = model.row, model.job, model.kind
    members: dict[str, Any] = {
        kind.arn_member: row.arn,
        "LanguageCode": row.language,
        "Status": model.status,
        "Message": model.message,
        "SubmitTime": row.submitted_at,
        "EndTime": model.ended_at,
        "TrainingStartTime": job.admitted_at if job is not None and model.trained else None,
        "TrainingEndTime": job.finishing_at if job is not None and model.trained else None,
        "InputDataConfig": row.input_config or None,
        kind.metadata_member: None if model.result is None else json.loads(model.result),
        "DataAccessRoleArn": row.role_arn,
        "VersionName": row.version,
        "SourceModelArn": row.source_arn,
        "FlywheelArn": row.flywheel_arn,
        "Mode": row.mode,
    }
    if kind is CLASSIFIER and row.source_artifact_uri is None:
        # Amazon shows an empty structure if no place for the output was given.
        members["OutputDataConfig"] = {} if row.output_uri is None else {"S3Uri": row.output_uri}
    if job is not None and job.subnets is not None:
        members["VpcConfig"] = {"SecurityGroupIds": job.security_groups, "Subnets": job.subnets}
    return {name: value for name, value in members.items() if value is not None}


def _summary(kind: ModelKind, summary: Summary) -> dict[str, Any]:
    latest = summary.latest
    members: dict[str, Any] = {
        kind.name_member: summary.name,
        "NumberOfVersions": summary.versions,
        "LatestVersionCreatedAt": latest.row.submitted_at,
        "LatestVersionName": latest.row.version,
        "LatestVersionStatus": latest.status,
    }
    return {name: value for name, value in members.items() if value is not None}


def _listed(member: str, items: list[dict[str, Any]], next_token: str | None) -> Response:
    response: dict[str, Any] = {member: items}
    return response if next_token is None else response | {"NextToken": next_token}
