"""Why a job cannot have its network, in the words of a FAILED job: a code, and a sentence that names the id."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from reading_room.arns import ec2_arn
from reading_room.aws.errors import AwsError
from reading_room.jobs.errors import PreparationError
from reading_room.jobs.surroundings import NetworkNeed
from reading_room.vpc import job_network

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


def _everything(need: NetworkNeed, subnet_id: str) -> Sequence[str]:
    return ("*",)


def _new_interface(need: NetworkNeed, subnet_id: str) -> Sequence[str]:
    arns = [
        ec2_arn(need.region, need.account, "network-interface", "*"),
        ec2_arn(need.region, need.account, "subnet", subnet_id),
    ]
    arns += [ec2_arn(need.region, need.account, "security-group", group) for group in need.security_groups or ()]
    return tuple(arns)


def _interfaces(need: NetworkNeed, subnet_id: str) -> Sequence[str]:
    # The interface does not exist yet; as a resource of a decision, the asterisk stands for any id.
    return (ec2_arn(need.region, need.account, "network-interface", "*"),)


EC2_ACTIONS: Mapping[str, Callable[[NetworkNeed, str], Sequence[str]]] = {
    "DescribeVpcs": _everything,
    "DescribeSubnets": _everything,
    "DescribeSecurityGroups": _everything,
    "DescribeDhcpOptions": _everything,
    "CreateNetworkInterface": _new_interface,
    "CreateNetworkInterfacePermission": _interfaces,
    "DescribeNetworkInterfaces": _everything,
    "DeleteNetworkInterfacePermission": _interfaces,
    "DeleteNetworkInterface": _interfaces,
}
"""The nine actions that the data access role needs, and what each is decided on before an interface exists."""


def failure_of_network(error: job_network.JobNetworkError) -> PreparationError:
    """Return the failure for a VpcConfig that cannot be used."""
    return PreparationError(_CODES[type(error)], f"{error}.")


def failure_of_call(role_arn: str, operation: str, error: AwsError) -> PreparationError:
    """Return the failure for an EC2 call that the role made and EC2 refused."""
    if error.code == "UnauthorizedOperation":
        return missing_permission(role_arn, f"ec2:{operation}", error.message)
    code = _CALL_CODES.get(error.code, "INTERNAL_ERROR")
    return PreparationError(code, f"{operation} answered {error.code}: {error.message}")


def missing_permission(role_arn: str, action: str, decision: str) -> PreparationError:
    """Return the failure for an action that the role lacks."""
    return PreparationError(
        "NO_PERMISSION_FOR_NETWORK_INTERFACE",
        f"The data access role {role_arn} needs {action} to run a job in a VPC. {decision}",
    )


def role_not_assumable(reason: str) -> PreparationError:
    """Return the failure for a role that the service cannot assume."""
    return PreparationError("ROLE_NOT_ASSUMABLE", f"{reason.rstrip('.')}.")


def no_route(subnet_id: str, sentence: str) -> PreparationError:
    """Return the failure for an interface that would not reach S3."""
    return PreparationError(
        "NO_ROUTE_TO_STORAGE", f"From the subnet {subnet_id} the job would not reach S3: {sentence.rstrip('.')}."
    )
