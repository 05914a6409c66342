"""EC2's errors about endpoints and flow logs (the rest is in ``errors.py``)."""

from __future__ import annotations

from typing import ClassVar

from reading_room.vpc.errors import Ec2Error


class InvalidServiceName(Ec2Error):
    """There is no such service to make an endpoint for."""

    code = "InvalidServiceName"

    def __init__(self, name: str) -> None:
        super().__init__(f"The Vpc Endpoint Service '{name}' does not exist")


class EndpointTypeNotOffered(Ec2Error):
    """The service has no endpoint of that type."""

    code = "InvalidParameter"

    def __init__(self, endpoint_type: str, offered: tuple[str, ...]) -> None:
        super().__init__(
            f"Endpoint type ({endpoint_type}) does not match available service types ([{', '.join(offered)}])."
        )


class NotForGatewayEndpoints(Ec2Error):
    """A parameter that only interface endpoints have."""

    code = "InvalidParameter"

    def __init__(self, parameter: str) -> None:
        super().__init__(f"{parameter} is not supported for VPC endpoints of type Gateway.")


class InvalidPolicyDocument(Ec2Error):
    """An endpoint's policy is not JSON, not a policy, or too long."""

    code = "InvalidPolicyDocument"

    def __init__(self, why: str) -> None:
        lead = "The Policy Document is not valid."
        super().__init__(why if why.startswith(lead) else f"{lead} {why}")


class TableOfAnotherNetwork(Ec2Error):
    """A route table of an endpoint is not in the endpoint's VPC."""

    code = "InvalidParameter"

    def __init__(self, route_table_id: str, vpc_id: str) -> None:
        super().__init__(f"Route table {route_table_id} does not belong to {vpc_id}.")


class FlowLogAlreadyExists(Ec2Error):
    """The resource has a flow log with the same settings."""

    code = "FlowLogAlreadyExists"

    def __init__(self) -> None:
        super().__init__("Error. There is an existing Flow Log with the same configuration and log destination.")


class LogDestinationMissing(Ec2Error):
    """The bucket of a flow log does not exist."""

    code = "400"

    def __init__(self, name: str) -> None:
        super().__init__(f"LogDestination: {name} does not exist")


class LogDestinationDenied(Ec2Error):
    """The bucket of a flow log does not let the records be written."""

    code = "400"

    def __init__(self, name: str) -> None:
        super().__init__(f"Access Denied for LogDestination: {name}. Please check LogDestination permission")


class FlowLogParameter(Ec2Error):
    """The parameters of CreateFlowLogs contradict each other; ``problem`` says which rule they break."""

    code = "InvalidParameter"

    PROBLEMS: ClassVar[dict[str, str]] = {
        "two-destinations": "Please only provide LogGroupName or only provide LogDestination.",
        "no-destination": "LogDestination can't be empty if LogGroupName is not provided.",
        "group-with-s3": "LogDestination type must be cloud-watch-logs if LogGroupName is provided.",
        "no-role": "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.",
        "role-with-s3": "DeliverLogsPermissionArn is not applicable for s3 delivery",
        "interval": "Invalid Flow Log Max Aggregation Interval",
        "no-traffic-type": "TrafficType can't be empty for this resource type.",
        "bad-format": "LogFormat is invalid: fields are written as ${name}, separated by single blanks.",
        "bad-destination": "LogDestination is not the ARN of a destination of the given LogDestinationType.",
        "reserved-prefix": "LogDestination can't use AWSLogs as a subfolder name. This is a reserved term.",
        "options-without-s3": "DestinationOptions are applicable for s3 delivery only.",
    }

    def __init__(self, problem: str) -> None:
        super().__init__(self.PROBLEMS[problem])


class UnknownFlowLogField(Ec2Error):
    """A log format names a field that no record has."""

    code = "InvalidParameter"

    def __init__(self, field: str) -> None:
        super().__init__(f"Unknown fields provided: {field}")
