"""What ``jobs run`` creates once and reuses: a bucket, a role and a network, recognized by their tag."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reading_room.cli import reading

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import FilterTypeDef
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

NAME = "reading-room-jobs-run"
"""The name of the role, and the beginning of the bucket's name."""


class NotOurs(Exception):
    """Something that ``jobs run`` did not create has the name that it uses; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Place:
    """The bucket, role and network of a run's jobs."""

    bucket: str
    role: str
    """Its ARN."""
    network: reading.Network


def place(account: reading.Account) -> Place:
    """Return the bucket, role and network of earlier runs, and create what is missing. Raises ``NotOurs``."""
    bucket = next(_buckets(account), None) or _make_bucket(account)
    return Place(bucket, _role(account, bucket), reading.private_network(account))


def clean(account: reading.Account) -> list[str]:
    """Delete every bucket, role and network of runs, with everything in them; return descriptions of them.

    Raises ``ClientError`` if something else uses a network.
    """
    gone = []
    for bucket in list(_buckets(account)):
        _delete_bucket(account, bucket)
        gone.append(f"bucket {bucket}")
    if _tagged_role(account) is not None:
        for policy in account.iam.list_role_policies(RoleName=NAME)["PolicyNames"]:
            account.iam.delete_role_policy(RoleName=NAME, PolicyName=policy)
        account.iam.delete_role(RoleName=NAME)
        gone.append(f"role {NAME}")
    for vpc in reading.networks_of_runs(account):
        _delete_network(account, vpc)
        gone.append(f"network {vpc}")
    return gone


def _buckets(account: reading.Account) -> Iterator[str]:
    """Yield the buckets of runs. Buckets of other accounts are not listed, whatever their names are."""
    for bucket in account.s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        if not name.startswith(f"{NAME}-"):
            continue
        try:
            tags = account.s3.get_bucket_tagging(Bucket=name)["TagSet"]
        except account.s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchTagSet", "NoSuchBucket"):
                continue
            raise
        if {"Key": reading.NETWORK_TAG, "Value": "true"} in tags:
            yield name


def _make_bucket(account: reading.Account) -> str:
    name = f"{NAME}-{secrets.token_hex(4)}"
    account.s3.create_bucket(Bucket=name)
    account.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": reading.NETWORK_TAG, "Value": "true"}]})
    return name


def _role(account: reading.Account, bucket: str) -> str:
    """Return the ARN of the role of runs, with permission to read and write this bucket."""
    arn = _tagged_role(account)
    if arn is None:
        arn = reading.make_reader_role(account, NAME, bucket, tags={reading.NETWORK_TAG: "true"})
    else:
        reading.let_read(account, NAME, bucket)
    return arn


def _tagged_role(account: reading.Account) -> str | None:
    try:
        role = account.iam.get_role(RoleName=NAME)["Role"]
    except account.iam.exceptions.NoSuchEntityException:
        return None
    if {"Key": reading.NETWORK_TAG, "Value": "true"} not in role.get("Tags", ()):
        raise NotOurs(
            f"the role {NAME} was not created by `jobs run`, which needs this name: use another name for that role"
        )
    return role["Arn"]


def _delete_bucket(account: reading.Account, bucket: str) -> None:
    for page in account.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        versions: list[ObjectIdentifierTypeDef] = [
            {"Key": each["Key"], "VersionId": each["VersionId"]}
            for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
        ]
        if versions:
            account.s3.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True})
    for uploads in account.s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in uploads.get("Uploads", ()):
            account.s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    account.s3.delete_bucket(Bucket=bucket)


def _delete_network(account: reading.Account, vpc: str) -> None:
    ec2 = account.ec2
    inside: list[FilterTypeDef] = [{"Name": "vpc-id", "Values": [vpc]}]
    endpoints = [each["VpcEndpointId"] for each in ec2.describe_vpc_endpoints(Filters=inside)["VpcEndpoints"]]
    if endpoints:
        ec2.delete_vpc_endpoints(VpcEndpointIds=endpoints)
    for subnet in ec2.describe_subnets(Filters=inside)["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    for table in ec2.describe_route_tables(Filters=inside)["RouteTables"]:
        if not any(_is_main(each) for each in table["Associations"]):
            ec2.delete_route_table(RouteTableId=table["RouteTableId"])
    for group in ec2.describe_security_groups(Filters=inside)["SecurityGroups"]:
        if group["GroupName"] != "default":
            ec2.delete_security_group(GroupId=group["GroupId"])
    ec2.delete_vpc(VpcId=vpc)


def _is_main(association: Any) -> bool:
    return bool(association.get("Main"))
