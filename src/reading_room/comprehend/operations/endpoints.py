"""Create, Describe, List, Update and Delete of model endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.aws.operations import Authorizer, OperationFacts, PassedRole, no_context, operation
from reading_room.clock import Clock
from reading_room.comprehend.aliases import resolved
from reading_room.comprehend.conditions import existing_endpoint, new_endpoint, start_context, updated_endpoint
from reading_room.comprehend.endpoints.endpoints import (
    NewEndpoint,
    create,
    find_endpoint,
    mark_for_deletion,
    update,
)
from reading_room.comprehend.endpoints.errors import InvalidEndpointRequest
from reading_room.comprehend.endpoints.listings import list_endpoints
from reading_room.comprehend.errors import BothModelAndFlywheel
from reading_room.comprehend.flywheels.flywheels import active_model
from reading_room.comprehend.quotas import Quotas
from reading_room.comprehend.request_checks import check_role
from reading_room.comprehend.tables import EndpointRow
from reading_room.comprehend.tags import as_mapping
from reading_room.database.engine import Database

if TYPE_CHECKING:
    from mypy_boto3_comprehend.type_defs import (
        CreateEndpointRequestTypeDef,
        DeleteEndpointRequestTypeDef,
        DescribeEndpointRequestTypeDef,
        ListEndpointsRequestTypeDef,
        UpdateEndpointRequestTypeDef,
    )

Response = Mapping[str, Any]
SERVICE = "comprehend.amazonaws.com"


class EndpointOperations:
    """The operations on model endpoints."""

    def __init__(self, database: Database, clock: Clock, quotas: Quotas, authorizer: Authorizer) -> None:
        self._authorizer = authorizer
        self._database = database
        self._clock = clock
        self._quotas = quotas

    @operation(
        "comprehend",
        "CreateEndpoint",
        resources=new_endpoint,
        context=start_context,
        passes_role=PassedRole("DataAccessRoleArn", SERVICE),
    )
    def create(self, call: Call, request: CreateEndpointRequestTypeDef) -> Response:
        """Create an endpoint for a trained model. A loop has the model loaded."""
        self._quotas.count(call.account, "CreateEndpoint")
        role_arn = request.get("DataAccessRoleArn")
        if role_arn is not None:
            check_role(role_arn, call.account)
        flywheel_arn, model_arn = _of_request(request, "ModelArn")
        tags = as_mapping([dict(tag) for tag in request.get("Tags", ())])  # type: ignore[arg-type]
        with self._database.transaction() as session:
            if flywheel_arn is not None:
                model_arn = active_model(session, call.account, flywheel_arn)
            if model_arn is None:
                raise InvalidEndpointRequest("CreateEndpoint needs ModelArn or FlywheelArn.")
            new = NewEndpoint(
                call.account,
                call.region,
                request["EndpointName"],
                model_arn if flywheel_arn is not None else self._version(session, call, model_arn),
                request["DesiredInferenceUnits"],
                role_arn,
                request.get("ClientRequestToken"),
                tags,
                model_arn,
                flywheel_arn,
            )
            row = create(session, new, self._clock(), self._quotas.endpoints)
            return {"EndpointArn": row.arn, "ModelArn": row.desired_model_arn}

    @operation("comprehend", "DescribeEndpoint", resources=existing_endpoint)
    def describe(self, call: Call, request: DescribeEndpointRequestTypeDef) -> Response:
        """Return what an endpoint has, and what it should have."""
        self._quotas.count(call.account, "DescribeEndpoint")
        with self._database.reading() as session:
            return {"EndpointProperties": properties(find_endpoint(session, call.account, request["EndpointArn"]))}

    @operation("comprehend", "ListEndpoints")
    def list(self, call: Call, request: ListEndpointsRequestTypeDef) -> Response:
        """List the account's endpoints, oldest first."""
        self._quotas.count(call.account, "ListEndpoints")
        with self._database.reading() as session:
            page = list_endpoints(
                session,
                call.account,
                request.get("Filter") or {},
                request.get("NextToken"),
                request.get("MaxResults"),
            )
        response: dict[str, Any] = {"EndpointPropertiesList": [properties(row) for row in page.items]}
        return response if page.next_token is None else response | {"NextToken": page.next_token}

    @operation(
        "comprehend",
        "UpdateEndpoint",
        resources=updated_endpoint,
        passes_role=PassedRole("DesiredDataAccessRoleArn", SERVICE),
    )
    def update(self, call: Call, request: UpdateEndpointRequestTypeDef) -> Response:
        """Change an endpoint's model, units or role. It goes on with what it has until the loop has made the change."""
        self._quotas.count(call.account, "UpdateEndpoint")
        role_arn = request.get("DesiredDataAccessRoleArn")
        if role_arn is not None:
            check_role(role_arn, call.account)
        flywheel_arn, model_arn = _of_request(request, "DesiredModelArn")
        with self._database.transaction() as session:
            if flywheel_arn is not None:
                model_arn = active_model(session, call.account, flywheel_arn)
            row = find_endpoint(session, call.account, request["EndpointArn"])
            if model_arn is not None and flywheel_arn is None:
                model_arn = self._version(session, call, model_arn)
            update(
                session,
                row,
                self._clock(),
                self._quotas.endpoints,
                model_arn=model_arn,
                units=request.get("DesiredInferenceUnits"),
                role_arn=role_arn,
                flywheel_arn=flywheel_arn,
            )
        return {} if model_arn is None else {"DesiredModelArn": model_arn}

    @operation("comprehend", "DeleteEndpoint", resources=existing_endpoint)
    def delete(self, call: Call, request: DeleteEndpointRequestTypeDef) -> None:
        """Delete an endpoint. Calls that it is answering are answered; it takes no others."""
        self._quotas.count(call.account, "DeleteEndpoint")
        with self._database.transaction() as session:
            row = find_endpoint(session, call.account, request["EndpointArn"])
            mark_for_deletion(session, row, self._clock())

    def _version(self, session: Session, call: Call, arn: str) -> str:
        """Return the model's version that an ARN names. One that it names by alias must be allowed to the caller, too.

        An endpoint keeps the version: whoever may move an alias must not change the endpoints of others.
        """
        version = resolved(session, call.account, arn)
        if version != arn:
            action = f"comprehend:{call.operation}"
            facts = OperationFacts("comprehend", call.operation, action, lambda _: (version,), no_context, None, True)
            self._authorizer.authorize(call, facts)
        return version


def properties(row: EndpointRow) -> dict[str, Any]:
    """Return an endpoint as Describe and List show it, without members that do not apply."""
    members = {
        "EndpointArn": row.arn,
        "Status": row.status,
        "Message": row.message,
        "ModelArn": row.model_arn or row.desired_model_arn,
        "DesiredModelArn": row.desired_model_arn,
        "DesiredInferenceUnits": row.desired_units,
        "CurrentInferenceUnits": row.units,
        "CreationTime": row.created_at,
        "LastModifiedTime": row.modified_at,
        "DataAccessRoleArn": row.role_arn,
        "DesiredDataAccessRoleArn": row.desired_role_arn,
        "FlywheelArn": row.flywheel_arn,
    }
    return {name: value for name, value in members.items() if value is not None}


def _of_request(request: Mapping[str, Any], member: str) -> tuple[str | None, str | None]:
    """Return the flywheel and the model that a request names. Raises ``BothModelAndFlywheel``."""
    flywheel_arn, model_arn = request.get("FlywheelArn"), request.get(member)
    if flywheel_arn is not None and model_arn is not None:
        raise BothModelAndFlywheel(member)
    return flywheel_arn, model_arn
