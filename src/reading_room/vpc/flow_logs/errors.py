"""EC2's errors about flow logs."""

from __future__ import annotations

from typing import ClassVar

from reading_room.vpc.errors import Ec2Error


class FlowLogAlreadyExists(Ec2Error):
    """The resource already has a flow log with the same settings."""

    code = "FlowLogAlreadyExists"

    def __init__(self) -> None:
        super().__init__("Error. There is an existing Flow Log with the same configuration and log destination.")


class LogDestinationMissing(Ec2Error):
    """The bucket of a flow log does not exist."""

    code = "400"

    def __init__(self, name: str) -> None:
        super().__init__(f"LogDestination: {name} does not exist")


class LogDestinationDenied(Ec2Error):
    """The bucket of a flow log does not allow the records to be written."""

    code = "400"

    def __init__(self, name: str) -> None:
        super().__init__(f"Access Denied for LogDestination: {name}. Please check LogDestination permission")


class FlowLogParameter(Ec2Error):
    """The parameters of CreateFlowLogs contradict each other; ``problem`` is a key of ``PROBLEMS``."""

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
    """A log format names an unknown field."""

    code = "InvalidParameter"

    def __init__(self, field: str) -> None:
        super().__init__(f"Unknown fields provided: {field}")
