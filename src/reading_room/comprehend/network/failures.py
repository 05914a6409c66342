"""The failures of jobs that cannot have their network: a code, and a sentence that names the id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from reading_room.aws.errors import AwsError
from reading_room.jobs.errors import PreparationError
from reading_room.vpc.interfaces import job_network

_CODES: dict[type[job_network.JobNetworkError], str] = {
    job_network.UnknownSubnet: "SUBNET_NOT_FOUND",
    job_network.UnknownSecurityGroup: "SECURITY_GROUP_NOT_FOUND",
    job_network.SubnetsInDifferentVpcs: "SUBNETS_IN_DIFFERENT_VPCS",
    job_network.SecurityGroupNotInVpc: "SECURITY_GROUP_NOT_IN_VPC",
    job_network.VpcTenancyNotSupported: "VPC_TENANCY_NOT_SUPPORTED",
    job_network.TooFewAddresses: "INSUFFICIENT_IP_ADDRESSES",
}
_CALL_CODES = {
    "UnauthorizedOperation": "NO_PERMISSION_FOR_NETWORK_INTERFACE",
    "AuthFailure": "NO_PERMISSION_FOR_NETWORK_INTERFACE",
    "InsufficientFreeAddressesInSubnet": "INSUFFICIENT_IP_ADDRESSES",
    "InvalidSubnetID.NotFound": "SUBNET_NOT_FOUND",
    "InvalidGroup.NotFound": "SECURITY_GROUP_NOT_FOUND",
}


DecidedOn = Literal["everything", "the creation", "the interface"]

EC2_ACTIONS: Mapping[str, DecidedOn] = {
    "DescribeVpcs": "everything",
    "DescribeSubnets": "everything",
    "DescribeSecurityGroups": "everything",
    "DescribeDhcpOptions": "everything",
    "CreateNetworkInterface": "the creation",
    "CreateNetworkInterfacePermission": "the interface",
    "DescribeNetworkInterfaces": "everything",
    "DeleteNetworkInterfacePermission": "the interface",
    "DeleteNetworkInterface": "the interface",
}
"""The nine actions that the data access role needs, and the resources on which each is authorized before an interface
exists: none (``everything``), the new interface with its subnet and groups, or the new interface alone."""


def failure_of_network(error: job_network.JobNetworkError) -> PreparationError:
    """Return the failure for a VpcConfig that cannot be used."""
    return PreparationError(_CODES[type(error)], f"{error}.")


def failure_of_call(role_arn: str, operation: str, error: AwsError) -> PreparationError:
    """Return the failure for an EC2 call of the role that failed."""
    if error.code == "UnauthorizedOperation":
        return missing_permission(role_arn, f"ec2:{operation}", error.message)
    code = _CALL_CODES.get(error.code, "INTERNAL_ERROR")
    return PreparationError(code, f"{operation} failed with {error.code}: {error.message}")


def missing_permission(role_arn: str, action: str, decision: str) -> PreparationError:
    """Return the failure for an action that the role lacks."""
    return PreparationError(
        "NO_PERMISSION_FOR_NETWORK_INTERFACE",
        f"The data access role {role_arn} needs {action} to run a job in a VPC. {decision}",
    )


def role_not_assumable(reason: str) -> PreparationError:
    """Return the failure for a role that the service cannot assume."""
    return PreparationError("ROLE_NOT_ASSUMABLE", f"{reason.rstrip('.')}.")


def containers_cannot_connect(sentences: str) -> PreparationError:
    """Return the failure for containers of one job that cannot reach each other."""
    return PreparationError("CONTAINERS_CANNOT_CONNECT", sentences)


def no_route(subnet_id: str, sentence: str) -> PreparationError:
    """Return the failure for an interface that cannot reach S3."""
    return PreparationError(
        "NO_ROUTE_TO_STORAGE", f"From the subnet {subnet_id} the job cannot reach S3: {sentence.rstrip('.')}."
    )
