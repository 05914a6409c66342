"""The operations on flywheels, their datasets and their iterations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reading_room.aws.call import Call
from reading_room.aws.operations import PassedRole, operation
from reading_room.clock import Clock
from reading_room.comprehend.conditions import (
    existing_dataset,
    existing_flywheel,
    iteration_context,
    new_dataset,
    new_flywheel,
    security_context,
    start_context,
    updated_flywheel,
)
from reading_room.comprehend.flywheels import datasets, flywheels, iterations, requests
from reading_room.comprehend.flywheels.listings import list_datasets, list_flywheels, list_iterations
from reading_room.comprehend.quotas import Quotas
from reading_room.comprehend.request_checks import check_role
from reading_room.comprehend.tables import DatasetRow, FlywheelRow, IterationRow
from reading_room.database.engine import Database

if TYPE_CHECKING:
    from mypy_boto3_comprehend.type_defs import (
        CreateDatasetRequestTypeDef,
        CreateFlywheelRequestTypeDef,
        DeleteFlywheelRequestTypeDef,
        DescribeDatasetRequestTypeDef,
        DescribeFlywheelIterationRequestTypeDef,
        DescribeFlywheelRequestTypeDef,
        ListDatasetsRequestTypeDef,
        ListFlywheelIterationHistoryRequestTypeDef,
        ListFlywheelsRequestTypeDef,
        StartFlywheelIterationRequestTypeDef,
        UpdateFlywheelRequestTypeDef,
    )

Response = Mapping[str, Any]
PASSED_ROLE = PassedRole("DataAccessRoleArn", "comprehend.amazonaws.com")


class FlywheelOperations:
    """The operations."""

    def __init__(self, database: Database, clock: Clock, quotas: Quotas) -> None:
        self._database = database
        self._clock = clock
        self._quotas = quotas

    @operation(
        "comprehend", "CreateFlywheel", resources=new_flywheel, context=security_context, passes_role=PASSED_ROLE
    )
    def create(self, call: Call, request: CreateFlywheelRequestTypeDef) -> Response:
        """Create a flywheel. A job makes its data lake."""
        self._quotas.count(call.account, "CreateFlywheel")
        self._quotas.require_room()
        new = requests.new_flywheel(call)
        with self._database.transaction() as session:
            row = flywheels.create(session, new, self._clock(), self._quotas.flywheels)
            return _given({"FlywheelArn": row.arn, "ActiveModelArn": row.active_model_arn})

    @operation("comprehend", "DescribeFlywheel", resources=existing_flywheel)
    def describe(self, call: Call, request: DescribeFlywheelRequestTypeDef) -> Response:
        """Return a flywheel."""
        self._quotas.count(call.account, "DescribeFlywheel")
        with self._database.reading() as session:
            row = flywheels.find_flywheel(session, call.account, request["FlywheelArn"])
        return {"FlywheelProperties": properties(row)}

    @operation("comprehend", "ListFlywheels")
    def list(self, call: Call, request: ListFlywheelsRequestTypeDef) -> Response:
        """List the account's flywheels, newest first."""
        self._quotas.count(call.account, "ListFlywheels")
        with self._database.reading() as session:
            page = list_flywheels(
                session, call.account, request.get("Filter") or {}, request.get("NextToken"), request.get("MaxResults")
            )
        return _given({"FlywheelSummaryList": [summary(row) for row in page.items], "NextToken": page.next_token})

    @operation(
        "comprehend", "UpdateFlywheel", resources=updated_flywheel, context=security_context, passes_role=PASSED_ROLE
    )
    def update(self, call: Call, request: UpdateFlywheelRequestTypeDef) -> Response:
        """Change the active model, which endpoints follow, or the role or network, which a job checks first."""
        self._quotas.count(call.account, "UpdateFlywheel")
        role_arn, security = request.get("DataAccessRoleArn"), request.get("DataSecurityConfig")
        if role_arn is not None:
            check_role(role_arn, call.account)
        network = None if security is None else requests.security_network(security)
        with self._database.transaction() as session:
            row = flywheels.find_flywheel(session, call.account, request["FlywheelArn"])
            flywheels.update(
                session,
                row,
                self._clock(),
                self._quotas.flywheels,
                model_arn=request.get("ActiveModelArn"),
                role_arn=role_arn,
                network=network,
                trace=call.trace,
            )
            return {"FlywheelProperties": properties(row)}

    @operation("comprehend", "DeleteFlywheel", resources=existing_flywheel)
    def delete(self, call: Call, request: DeleteFlywheelRequestTypeDef) -> None:
        """Delete a flywheel with its datasets and iterations. Its bucket and its models stay as they are."""
        self._quotas.count(call.account, "DeleteFlywheel")
        with self._database.transaction() as session:
            row = flywheels.find_flywheel(session, call.account, request["FlywheelArn"])
            flywheels.mark_for_deletion(session, row, self._clock())

    @operation("comprehend", "CreateDataset", resources=new_dataset, context=start_context)
    def create_dataset(self, call: Call, request: CreateDatasetRequestTypeDef) -> Response:
        """Create a dataset. A job takes its data into the flywheel's data lake."""
        self._quotas.count(call.account, "CreateDataset")
        self._quotas.require_room()
        with self._database.transaction() as session:
            row = flywheels.find_flywheel(session, call.account, request["FlywheelArn"])
            new = requests.new_dataset(call, flywheels.kind_of(row), row.task)
            dataset = datasets.create(session, row, new, self._clock(), self._quotas.flywheels)
            return {"DatasetArn": dataset.arn}

    @operation("comprehend", "DescribeDataset", resources=existing_dataset)
    def describe_dataset(self, call: Call, request: DescribeDatasetRequestTypeDef) -> Response:
        """Return a dataset."""
        self._quotas.count(call.account, "DescribeDataset")
        with self._database.reading() as session:
            row = datasets.find_dataset(session, call.account, request["DatasetArn"])
        return {"DatasetProperties": dataset_properties(row)}

    @operation("comprehend", "ListDatasets", resources=existing_flywheel)
    def list_datasets(self, call: Call, request: ListDatasetsRequestTypeDef) -> Response:
        """List the datasets of a flywheel or of the account, newest first."""
        self._quotas.count(call.account, "ListDatasets")
        arn = request.get("FlywheelArn")
        with self._database.reading() as session:
            if arn is not None:
                flywheels.find_flywheel(session, call.account, arn)
            page = list_datasets(
                session,
                call.account,
                arn,
                request.get("Filter") or {},
                request.get("NextToken"),
                request.get("MaxResults"),
            )
        listed = [dataset_properties(row) for row in page.items]
        return _given({"DatasetPropertiesList": listed, "NextToken": page.next_token})

    @operation("comprehend", "StartFlywheelIteration", resources=existing_flywheel)
    def start_iteration(self, call: Call, request: StartFlywheelIterationRequestTypeDef) -> Response:
        """Start the training of a new version, and after it the evaluation of both."""
        self._quotas.count(call.account, "StartFlywheelIteration")
        self._quotas.require_room()
        with self._database.transaction() as session:
            row = flywheels.find_flywheel(session, call.account, request["FlywheelArn"])
            iteration = iterations.start(
                session, row, self._clock(), self._quotas.flywheels, request.get("ClientRequestToken"), call.trace
            )
            return {"FlywheelArn": row.arn, "FlywheelIterationId": iteration.iteration_id}

    @operation("comprehend", "DescribeFlywheelIteration", resources=existing_flywheel, context=iteration_context)
    def describe_iteration(self, call: Call, request: DescribeFlywheelIterationRequestTypeDef) -> Response:
        """Return an iteration with the metrics of both models."""
        self._quotas.count(call.account, "DescribeFlywheelIteration")
        with self._database.reading() as session:
            row = iterations.find_iteration(
                session, call.account, request["FlywheelArn"], request["FlywheelIterationId"]
            )
        return {"FlywheelIterationProperties": iteration_properties(row)}

    @operation("comprehend", "ListFlywheelIterationHistory", resources=existing_flywheel)
    def list_iterations(self, call: Call, request: ListFlywheelIterationHistoryRequestTypeDef) -> Response:
        """List the iterations of a flywheel, newest first."""
        self._quotas.count(call.account, "ListFlywheelIterationHistory")
        with self._database.reading() as session:
            flywheels.find_flywheel(session, call.account, request["FlywheelArn"])
            page = list_iterations(
                session,
                call.account,
                request["FlywheelArn"],
                request.get("Filter") or {},
                request.get("NextToken"),
                request.get("MaxResults"),
            )
        listed = [iteration_properties(row) for row in page.items]
        return _given({"FlywheelIterationPropertiesList": listed, "NextToken": page.next_token})


def properties(row: FlywheelRow) -> dict[str, Any]:
    """Return a flywheel as Describe shows it, without members that do not apply."""
    return summary(row) | {
        "DataAccessRoleArn": row.role_arn,
        "TaskConfig": row.task,
        "DataSecurityConfig": flywheels.security_of(row),
    }


def summary(row: FlywheelRow) -> dict[str, Any]:
    """Return a flywheel as List shows it, without members that do not apply."""
    return _given(
        {
            "FlywheelArn": row.arn,
            "ActiveModelArn": row.active_model_arn,
            "DataLakeS3Uri": row.lake_uri,
            "Status": row.status,
            "ModelType": requests.MODEL_TYPES[row.kind],
            "Message": row.message,
            "CreationTime": row.created_at,
            "LastModifiedTime": row.modified_at,
            "LatestFlywheelIteration": row.latest_iteration,
        }
    )


def dataset_properties(row: DatasetRow) -> dict[str, Any]:
    """Return a dataset as Describe and List show it, without members that do not apply."""
    return _given(
        {
            "DatasetArn": row.arn,
            "DatasetName": row.name,
            "DatasetType": row.type,
            "DatasetS3Uri": row.uri,
            "Description": row.description,
            "Status": row.status,
            "Message": row.message,
            "NumberOfDocuments": row.documents,
            "CreationTime": row.created_at,
            "EndTime": row.ended_at,
        }
    )


def iteration_properties(row: IterationRow) -> dict[str, Any]:
    """Return an iteration as Describe and List show it, without members that do not apply."""
    return _given(
        {
            "FlywheelArn": row.flywheel_arn,
            "FlywheelIterationId": row.iteration_id,
            "CreationTime": row.created_at,
            "EndTime": row.ended_at,
            "Status": row.status,
            "Message": row.message,
            "EvaluatedModelArn": row.evaluated_model_arn,
            "EvaluatedModelMetrics": row.evaluated_metrics or None,
            "TrainedModelArn": row.trained_model_arn,
            "TrainedModelMetrics": row.trained_metrics or None,
            "EvaluationManifestS3Prefix": row.prefix_uri,
        }
    )


def _given(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
