"""EC2's errors about paths and their analyses."""

from __future__ import annotations

from reading_room.vpc.errors import Ec2Error, InvalidParameterCombination


class SourceNotFound(Ec2Error):
    """The source of a path is not an interface, internet gateway or endpoint of the account."""

    code = "NetworkInsightsSource.NotFound"

    def __init__(self, source: str) -> None:
        super().__init__(
            f"The source '{source}' does not exist: name a network interface, an internet gateway that is attached "
            "or a VPC endpoint"
        )


class DestinationNotFound(Ec2Error):
    """The destination of a path is not an interface, internet gateway or endpoint of the account."""

    code = "NetworkInsightsDestination.NotFound"

    def __init__(self, destination: str) -> None:
        super().__init__(
            f"The destination '{destination}' does not exist: name a network interface, an internet gateway that is "
            "attached, a VPC endpoint, or an IP address with DestinationIp"
        )


class AnalysisExists(Ec2Error):
    """A path cannot be deleted while it has analyses."""

    code = "AnalysisExistsForNetworkInsightsPath"

    def __init__(self, path_id: str, analysis_id: str) -> None:
        super().__init__(f"The path '{path_id}' has the analysis '{analysis_id}': delete its analyses first")


class FilterExcludes(InvalidParameterCombination):
    """A filter of a path and a plain parameter both set the same value."""

    def __init__(self, filter_name: str, parameter: str) -> None:
        super().__init__(f"The parameter {parameter} cannot be used with the parameter {filter_name}")
