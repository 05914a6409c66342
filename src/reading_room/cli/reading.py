"""Plain AWS calls around a job: a private network, a bucket, a role, the job, its results.

Everything here goes through boto3 and the public endpoint; there is no back door.
"""

from __future__ import annotations

import csv
import io
import json
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.config import Config

from reading_room.analysis.formats import TEXTS_MEMBER
from reading_room.analysis.job_file import CLUSTER_PORTS
from reading_room.analysis.kind import JobKind
from reading_room.analysis.kinds import JOB_KINDS
from reading_room.cli.running import Endpoint
from reading_room.client import connect
from reading_room.comprehend.vpc_tag import with_network
from reading_room.s3 import service_bucket_name

if TYPE_CHECKING:
    from mypy_boto3_comprehend import ComprehendClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import FilterTypeDef, IpPermissionTypeDef, SecurityGroupTypeDef, TagTypeDef
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

# From the AWS guide on jobs in a VPC: seven S3 actions for the endpoint, nine EC2 actions for the role.
ENDPOINT_ACTIONS = (
    "s3:GetObject",
    "s3:PutObject",
    "s3:ListBucket",
    "s3:GetBucketLocation",
    "s3:DeleteObject",
    "s3:ListMultipartUploadParts",
    "s3:AbortMultipartUpload",
)
NETWORK_ACTIONS = (
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeVpcs",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
)
NETWORK_TAG = "reading-room:jobs-run"
GROUP = "readers"
OVER = ("COMPLETED", "FAILED", "STOPPED")


def _client_of(service: str, attempts: int = 3) -> Any:
    """Return an attribute with a client of a service, created at its first use: few commands need each."""

    def made(account: Account) -> Any:
        return account.client(service, attempts)

    return cached_property(made)


class Account:
    """Clients of one account's services."""

    ec2: EC2Client = _client_of("ec2")
    s3: S3Client = _client_of("s3")
    iam: IAMClient = _client_of("iam")
    logs: CloudWatchLogsClient = _client_of("logs")
    comprehend: ComprehendClient = _client_of("comprehend")
    patient: ComprehendClient = _client_of("comprehend", attempts=12)
    """Also a client of Comprehend, for many calls in a row: it waits if the account may make only one a second."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def client(self, service: str, attempts: int = 3) -> Any:
        """Return a client of any service, for the same caller."""
        # The SDK's environment variables may point elsewhere; this command talks to one endpoint.
        return connect(
            service,
            self.endpoint.url,
            access_key_id=self.endpoint.access_key_id,
            secret_access_key=self.endpoint.secret_access_key,
            region=self.endpoint.region,
            config=Config(retries={"mode": "standard", "total_max_attempts": attempts}),
            verify=self.endpoint.authority,
        )


@dataclass(frozen=True, slots=True)
class Network:
    """A private VPC whose only way out is S3."""

    vpc: str
    subnets: tuple[str, ...]
    route_table: str
    group: str
    endpoint: str | None

    def config(self) -> dict[str, list[str]]:
        """Return the ``VpcConfig`` of a job in this network."""
        return {"SecurityGroupIds": [self.group], "Subnets": list(self.subnets)}


def endpoint_policy(actions: tuple[str, ...] = ENDPOINT_ACTIONS, accounts: Sequence[str] = ()) -> str:
    """Return an endpoint policy that allows these actions to everybody, or only to these accounts."""
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": "*", "Action": list(actions), "Resource": "*"}
    if accounts:
        statement["Condition"] = {"StringEquals": {"aws:PrincipalAccount": list(accounts)}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def networks_of_runs(account: Account) -> list[str]:
    """Return the ids of the VPCs that ``jobs run`` created."""
    found = account.ec2.describe_vpcs(Filters=[{"Name": f"tag:{NETWORK_TAG}", "Values": ["true"]}])["Vpcs"]
    return [vpc["VpcId"] for vpc in found]


def private_network(account: Account) -> Network:
    """Return the network of earlier ``jobs run``, or create it: not every folder needs its own VPC."""
    ec2 = account.ec2
    for vpc in networks_of_runs(account):
        inside: list[FilterTypeDef] = [{"Name": "vpc-id", "Values": [vpc]}]
        subnets = ec2.describe_subnets(Filters=inside)["Subnets"]
        groups = ec2.describe_security_groups(Filters=[*inside, {"Name": "group-name", "Values": [GROUP]}])
        for endpoint in ec2.describe_vpc_endpoints(Filters=inside)["VpcEndpoints"]:
            # Somebody may have changed it since; a network that lacks a part is left alone.
            whole = len(subnets) == 2 and bool(endpoint["RouteTableIds"])
            if whole and any(map(_is_open_to_itself, groups["SecurityGroups"])):
                return Network(
                    vpc,
                    tuple(subnet["SubnetId"] for subnet in subnets),
                    endpoint["RouteTableIds"][0],
                    groups["SecurityGroups"][0]["GroupId"],
                    endpoint["VpcEndpointId"],
                )
    network = build_network(account)
    open_to_itself(account, network.group)
    # Keys that a document smuggles in belong to another account; the service's own account fetches custom models.
    owner = ec2.describe_vpcs(VpcIds=[network.vpc])["Vpcs"][0]["OwnerId"]
    ec2.modify_vpc_endpoint(
        VpcEndpointId=str(network.endpoint), PolicyDocument=endpoint_policy(accounts=(owner, service_bucket_name.OWNER))
    )
    tags: list[TagTypeDef] = [{"Key": NETWORK_TAG, "Value": "true"}, {"Key": "Name", "Value": "reading-room jobs run"}]
    ec2.create_tags(Resources=[network.vpc], Tags=tags)
    return network


def build_network(account: Account, cidr: str = "10.0.0.0/16", with_endpoint: bool = True) -> Network:
    """Create a VPC with two subnets, a group that allows only S3, and by default a gateway endpoint."""
    ec2 = account.ec2
    vpc = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    prefix = cidr.rsplit(".", 2)[0]
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    subnets = tuple(
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"{prefix}.{number}.0/24", AvailabilityZone=zones[number - 1])["Subnet"][
            "SubnetId"
        ]
        for number in (1, 2)
    )
    route_table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    for subnet in subnets:
        ec2.associate_route_table(RouteTableId=route_table, SubnetId=subnet)
    group = ec2.create_security_group(VpcId=vpc, GroupName=GROUP, Description="May reach S3 and nothing else")[
        "GroupId"
    ]
    ec2.revoke_security_group_egress(
        GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    ec2.authorize_security_group_egress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 443,
                "ToPort": 443,
                "PrefixListIds": [{"PrefixListId": s3_prefix_list(account)}],
            }
        ],
    )
    endpoint = add_endpoint(account, vpc, route_table) if with_endpoint else None
    return Network(vpc, subnets, route_table, group, endpoint)


def open_to_itself(account: Account, group: str) -> None:
    """Let the members of a group connect to each other at the ports of a job's containers, and at no others."""
    first, last = CLUSTER_PORTS
    given: list[IpPermissionTypeDef] = [
        {"IpProtocol": "tcp", "FromPort": first, "ToPort": last, "UserIdGroupPairs": [{"GroupId": group}]}
    ]
    account.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=given)
    account.ec2.authorize_security_group_egress(GroupId=group, IpPermissions=given)


def _is_open_to_itself(group: SecurityGroupTypeDef) -> bool:
    """Return whether a group has the rules of ``open_to_itself``."""
    return all(
        any(
            (each.get("FromPort"), each.get("ToPort")) == CLUSTER_PORTS
            and any(pair.get("GroupId") == group["GroupId"] for pair in each.get("UserIdGroupPairs", ()))
            for each in rules
        )
        for rules in (group["IpPermissions"], group["IpPermissionsEgress"])
    )


def s3_prefix_list(account: Account) -> str:
    """Return the id of the prefix list of S3."""
    name = f"com.amazonaws.{account.endpoint.region}.s3"
    lists = account.ec2.describe_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": [name]}])
    return lists["PrefixLists"][0]["PrefixListId"]


def add_endpoint(account: Account, vpc: str, route_table: str) -> str:
    """Create a gateway endpoint for S3 with the guide's policy and a route in a table."""
    made = account.ec2.create_vpc_endpoint(
        VpcId=vpc,
        VpcEndpointType="Gateway",
        ServiceName=f"com.amazonaws.{account.endpoint.region}.s3",
        RouteTableIds=[route_table],
        PolicyDocument=endpoint_policy(),
    )
    return made["VpcEndpoint"]["VpcEndpointId"]


def make_role(
    account: Account,
    name: str,
    service: str,
    statements: list[dict[str, Any]],
    tags: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Create a role that a service may assume, with one inline policy; return its ARN."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    role = account.iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(trust),
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )["Role"]
    _allow(account, name, statements)
    return role["Arn"]


def _allow(account: Account, role: str, statements: list[dict[str, Any]]) -> None:
    document = {"Version": "2012-10-17", "Statement": statements}
    account.iam.put_role_policy(RoleName=role, PolicyName="access", PolicyDocument=json.dumps(document))


def make_reader_role(account: Account, name: str, bucket: str, tags: Mapping[str, str] = MappingProxyType({})) -> str:
    """Create the data access role of a job, for the guide's network actions and one bucket."""
    return make_role(account, name, "comprehend.amazonaws.com", _reading(bucket), tags)


def let_read(account: Account, role: str, bucket: str) -> None:
    """Give a role that ``make_reader_role`` created access to this bucket, instead of the one that it had."""
    _allow(account, role, _reading(bucket))


def _reading(bucket: str) -> list[dict[str, Any]]:
    objects = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]
    return [
        {"Effect": "Allow", "Action": list(NETWORK_ACTIONS), "Resource": "*"},
        {"Effect": "Allow", "Action": objects, "Resource": f"arn:aws:s3:::{bucket}/*"},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"},
    ]


def log_flows(account: Account, vpc: str, group: str, role_name: str) -> None:
    """Send the VPC's flow logs to a log group."""
    actions = [
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
    ]
    role = make_role(
        account,
        role_name,
        "vpc-flow-logs.amazonaws.com",
        [{"Effect": "Allow", "Action": actions, "Resource": "*"}],
    )
    answer = account.ec2.create_flow_logs(
        ResourceType="VPC",
        ResourceIds=[vpc],
        TrafficType="ALL",
        LogGroupName=group,
        DeliverLogsPermissionArn=role,
        MaxAggregationInterval=60,
    )
    if answer.get("Unsuccessful"):
        raise RuntimeError(f"the flow log was refused: {answer['Unsuccessful']}")


class JobCalls:
    """Start, describe, stop and wait for jobs of one kind."""

    ALL: Mapping[str, JobKind] = {kind.name: kind for kind in JOB_KINDS}
    KINDS: Mapping[str, JobKind] = {
        kind.name: kind
        # Those with a language come first, as on the command line.
        for kind in sorted(JOB_KINDS, key=lambda kind: not kind.languages)
        if kind.engines
    }
    """The kinds that need only texts, by the names that commands use."""

    def __init__(self, account: Account, kind: str, client: ComprehendClient | None = None) -> None:
        """``client`` is a client of Comprehend, by default the account's usual one."""
        self._client: Any = account.comprehend if client is None else client
        self._kind = self.ALL[kind]

    def start(self, **request: Any) -> str:
        """Start a job and return its id. The default language is English; other required members have defaults, too.

        A ``VpcConfig`` becomes the tag that takes its place for a kind whose request has none.
        """
        language = {"LanguageCode": "en"} if self._kind.languages else {}
        network = request.pop("VpcConfig", None)
        if network is not None:
            request = with_network(self._kind.start, request, network)
        return str(self._call(self._kind.start, **{**language, **self._kind.required, **request})["JobId"])

    def describe(self, job: str) -> dict[str, Any]:
        """Return the job's properties."""
        return dict(self._call(self._kind.describe, JobId=job)[self._kind.properties])

    def stop(self, job: str) -> None:
        """Request the job's end. Raises ``LookupError`` if AWS has no such operation."""
        if self._kind.stop is None:
            raise LookupError(f"jobs of the kind {self._kind.name} cannot be stopped")
        self._call(self._kind.stop, JobId=job)

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self._client, xform_name(operation))(**parameters)
        return answer

    def wait(self, job: str, seconds: float = 3600) -> dict[str, Any]:
        """Wait until the job is over and return its properties. Raises ``TimeoutError``."""
        deadline = time.monotonic() + seconds
        pause = 0.01
        while True:
            properties = self.describe(job)
            status = properties["JobStatus"]
            if status in OVER:
                return properties
            if time.monotonic() > deadline:
                raise TimeoutError(f"job {job} is still {status} after {seconds:.0f} s")
            time.sleep(pause)
            pause = min(pause * 1.3, 0.5)


def describer(account: Account, job: str) -> Callable[[], dict[str, Any]] | None:
    """Return a function that describes a job of any kind, or ``None`` if there is none (a training is no job)."""
    for kind in JOB_KINDS:
        call = getattr(account.comprehend, xform_name(kind.describe))
        describe = partial(properties_in, call, kind.properties, JobId=job)
        try:
            describe()
        except account.comprehend.exceptions.JobNotFoundException:
            continue
        return describe
    return None


def properties_in(call: Callable[..., Mapping[str, Any]], member: str, **parameters: str) -> dict[str, Any]:
    """Return the properties in the answer of a Describe call."""
    return dict(call(**parameters)[member])


def find_job(account: Account, job: str) -> dict[str, Any] | None:
    """Return the properties of a job of any kind, or ``None`` if there is none."""
    describe = describer(account, job)
    return None if describe is None else describe()


class NoTrainingError(Exception):
    """There is no training to explain; the message says why."""


def model_describer(account: Account, arn: str) -> Callable[[], dict[str, Any]]:
    """Return a function that describes a custom model. Raises ``NoTrainingError`` for an ARN of anything else."""
    from reading_room.comprehend.models.models import MODEL_KINDS

    kind = MODEL_KINDS.get(arn.rpartition(":")[2].partition("/")[0])
    if kind is None:
        raise NoTrainingError(f"{arn} is not the ARN of a custom model: name a model by its ARN, a job by its id")
    call = getattr(account.comprehend, xform_name(kind.describe))
    return partial(properties_in, call, kind.properties, **{kind.arn_member: arn})


def archive_bytes(account: Account, properties: Mapping[str, Any]) -> bytes:
    """Return the bytes of a finished job's archive."""
    bucket, key = _place_of_archive(properties)
    return account.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def archive(account: Account, properties: dict[str, Any]) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield the members of a finished job's archive: name and lines, which must be read before the next member.

    The objects of a job that writes one for each input file are read as if they were members.
    """
    bucket, key = _place_of_archive(properties)
    if key.endswith("/"):
        for name in objects_below(account, bucket, key):
            body = account.s3.get_object(Bucket=bucket, Key=name)["Body"]
            yield name[len(key) :], io.TextIOWrapper(io.BytesIO(body.read()), "utf-8", newline="\n")
        return
    with tempfile.TemporaryFile() as file:
        account.s3.download_fileobj(bucket, key, file)
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:gz") as members:
            for info in members:
                member = members.extractfile(info)
                if member is not None:
                    yield info.name, io.TextIOWrapper(member, "utf-8", newline="\n")


def objects_below(account: Account, bucket: str, prefix: str) -> Iterator[str]:
    """Yield the keys of objects that begin with a prefix."""
    for page in account.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", ()):
            yield entry["Key"]


def _place_of_archive(properties: Mapping[str, Any]) -> tuple[str, str]:
    bucket, _, key = properties["OutputDataConfig"]["S3Uri"].removeprefix("s3://").partition("/")
    return bucket, key


def results(account: Account, properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the result lines of a finished job from all members of its archive; topics have none."""
    for name, lines in archive(account, properties):
        if not _has_texts(name):
            for line in lines:
                yield json.loads(line)


def extracted(account: Account, properties: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the texts that a finished job extracted from documents, each after its file's name in results."""
    for name, lines in archive(account, properties):
        if _has_texts(name):
            for line in lines:
                found = json.loads(line)
                yield found["File"], found["Text"]


def _has_texts(member: str) -> bool:
    """Return whether a member, or an object beside the results of a file, has extracted texts."""
    return member == TEXTS_MEMBER or member.endswith(f".{TEXTS_MEMBER}")


def topics(account: Account, properties: dict[str, Any]) -> tuple[dict[str, list[str]], list[dict[str, str]]]:
    """Return the two tables of a finished topics job: each topic's terms, and the rows of the documents."""
    tables = {name: list(csv.DictReader(lines)) for name, lines in archive(account, properties)}
    terms: dict[str, list[str]] = {}
    for row in tables["topic-terms.csv"]:
        terms.setdefault(row["topic"], []).append(row["term"])
    return terms, tables["doc-topics.csv"]


def story(account: Account, job: str) -> list[tuple[int, str]]:
    """Return the job's story: milliseconds since 1970, and what happened."""
    from reading_room.jobs.progress import LOG_GROUP

    events = account.logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=job, startFromHead=True)["events"]
    return [(event["timestamp"], event["message"]) for event in events]


def flow_lines(account: Account, group: str, interface: str) -> list[str]:
    """Return the flow log lines of an interface that describe traffic."""
    found = account.logs.filter_log_events(logGroupName=group, filterPattern=f'"{interface}"')["events"]
    return [event["message"] for event in found if "NODATA" not in event["message"]]
