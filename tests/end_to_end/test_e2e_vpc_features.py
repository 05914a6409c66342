"""The effects of each VPC feature on a job, on a real kernel: interfaces, endpoints, gateways, DNS and groups."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.cli import reading
from tests.worlds.container_entry import run_in_container, start_in_container
from tests.worlds.own_account import OwnAccount
from tests.worlds.product import Product
from tests.worlds.site import Site, nat_gateway, public_side
from tests.worlds.waiting import eventually, settled

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

REGION = "us-east-1"
LOGS = f"com.amazonaws.{REGION}.logs"
S3 = f"com.amazonaws.{REGION}.s3"
REPOSITORY = f"amazonlinux.{REGION}.amazonaws.com"
PACKAGE = b"a package"

FETCH = """
import json, ssl, sys, urllib.error, urllib.request
trusting = ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt")
for url in sys.argv[1:]:
    try:
        with urllib.request.urlopen(url, timeout=5, context=trusting) as answer:
            print(json.dumps([answer.status, answer.read().decode()]))
    except urllib.error.HTTPError as error:
        print(json.dumps([error.code, error.read().decode()]))
    except OSError as error:
        print(json.dumps([0, str(error)]))
"""
LISTEN = """
import socket
with socket.create_server(("", 7070)) as server:
    print("listening", flush=True)
    while True:
        server.accept()[0].close()
"""
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 7070), 1.5).close()
    print("connected")
except OSError as error:
    print(type(error).__name__)
"""
NAME_SERVER = """
import socket, sys
address = socket.inet_aton(sys.argv[1])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(("", 53))
    print("listening", flush=True)
    while True:
        question, asker = server.recvfrom(4096)
        end = question.index(b"\\0", 12) + 5
        is_a = question[end - 4 : end - 2] == b"\\0\\1"
        head = question[:2] + b"\\x81\\x80\\0\\1" + (b"\\0\\1" if is_a else b"\\0\\0") + b"\\0\\0\\0\\0"
        answer = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\5\\0\\4" + address if is_a else b""
        server.sendto(head + question[12:end] + answer, asker)
"""


@pytest.fixture
def make_site(product: Product, account: OwnAccount) -> Iterator[Callable[..., Site]]:
    """Make sites. Delete their endpoints afterwards, because other tests would take the interfaces for leftovers."""
    made: list[Site] = []

    def make(**options: Any) -> Site:
        made.append(Site(product, account=account, **options))
        return made[-1]

    yield make
    for site in made:
        inside: Any = [{"Name": "vpc-id", "Values": [site.network.vpc]}]
        found = [each["VpcEndpointId"] for each in site.ec2.describe_vpc_endpoints(Filters=inside)["VpcEndpoints"]]
        if found:
            site.ec2.delete_vpc_endpoints(VpcEndpointIds=found)


def eventually_answers(look: Any, expected: str, seconds: float = 10) -> None:
    """Wait until the first part of the answer is the expected one."""
    eventually(lambda: look()[0] == expected, seconds, f"{expected}: {look()}")


# The interface of a job


def test_a_running_job_has_one_interface_whose_subnet_and_groups_cannot_be_deleted(
    make_site: Callable[..., Site],
) -> None:
    site = make_site()
    with site.running() as (job, _):
        (found,) = site.ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [site.network.vpc]}])[
            "NetworkInterfaces"
        ]
        assert job in found["Description"]
        assert found["SubnetId"] in site.network.subnets
        assert [group["GroupId"] for group in found["Groups"]] == [site.network.group]
        with pytest.raises(ClientError, match="DependencyViolation"):
            site.ec2.delete_subnet(SubnetId=found["SubnetId"])
        with pytest.raises(ClientError, match="DependencyViolation"):
            site.ec2.delete_security_group(GroupId=site.network.group)
        with pytest.raises(ClientError):
            site.ec2.delete_network_interface(NetworkInterfaceId=found["NetworkInterfaceId"])
    settled(site.leftovers)
    site.ec2.delete_security_group(GroupId=site.network.group)
    site.ec2.delete_subnet(SubnetId=found["SubnetId"])


# Gateway endpoints


def test_requests_through_a_gateway_endpoint_have_its_condition_keys_and_no_source_address(
    make_site: Callable[..., Site],
) -> None:
    site = make_site()
    site.bucket_policy(
        {"Sid": "OtherVpc", "Condition": {"StringNotEquals": {"aws:SourceVpc": site.network.vpc}}},
        {"Sid": "OtherEndpoint", "Condition": {"StringNotEquals": {"aws:SourceVpce": site.network.endpoint}}},
        {"Sid": "OtherAddress", "Condition": {"NotIpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}}},
        {"Sid": "Public", "Condition": {"Null": {"aws:SourceIp": "false"}}},
    )
    site.completes()


def test_a_bucket_for_the_endpoint_alone_denies_all_others(make_site: Callable[..., Site]) -> None:
    site = make_site()
    outside = {"StringNotEquals": {"aws:SourceVpce": site.network.endpoint}}
    site.bucket_policy({"Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"], "Condition": outside})
    site.completes()
    with pytest.raises(ClientError, match="AccessDenied"):
        site.account.s3.get_object(Bucket=site.bucket, Key="in/a.txt")


def test_an_endpoint_in_another_route_table_is_not_a_route(make_site: Callable[..., Site]) -> None:
    site = make_site(endpoint=False)
    table = site.ec2.create_route_table(VpcId=site.network.vpc)["RouteTable"]["RouteTableId"]
    reading.add_endpoint(site.account, site.network.vpc, table)
    assert site.network.route_table in site.failure("NO_ROUTE_TO_STORAGE")


# Package repositories


@pytest.fixture(scope="module")
def repository(account: OwnAccount) -> str:
    """The URL of a package in a public bucket that has the name of a package repository."""
    s3 = account.s3
    s3.create_bucket(Bucket=REPOSITORY)
    s3.delete_public_access_block(Bucket=REPOSITORY)
    everybody = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{REPOSITORY}/*",
    }
    s3.put_bucket_policy(Bucket=REPOSITORY, Policy=json.dumps({"Version": "2012-10-17", "Statement": [everybody]}))
    s3.put_object(Bucket=REPOSITORY, Key="2/core/bash.rpm", Body=PACKAGE)
    return f"https://{REPOSITORY}/2/core/bash.rpm"


DENY_FIRST = {
    "Sid": "AmazonLinuxAMIRepositoryAccess",
    "Principal": "*",
    "Action": ["s3:GetObject"],
    "Effect": "Deny",
    "Resource": ["arn:aws:s3:::packages.*.amazonaws.com/*", "arn:aws:s3:::repo.*.amazonaws.com/*"],
}
DENY_SECOND = {
    "Sid": "AmazonLinux2AMIRepositoryAccess",
    "Principal": "*",
    "Action": ["s3:GetObject"],
    "Effect": "Deny",
    "Resource": ["arn:aws:s3:::amazonlinux.*.amazonaws.com/*"],
}
ALLOW = {"Effect": "Allow", "Principal": "*", "Action": list(reading.ENDPOINT_ACTIONS), "Resource": "*"}


def test_packages_are_allowed_by_the_default_policy_and_denied_by_the_merged_one(
    make_site: Callable[..., Site], repository: str
) -> None:
    site = make_site()
    site.open_group()
    site.endpoint_policy()
    with site.running() as (_, worker):

        def fetch() -> list[Any]:
            plain = repository.replace("https:", "http:")
            return [
                json.loads(line)
                for line in run_in_container(worker, FETCH, repository, plain, as_job=True).splitlines()
            ]

        assert fetch() == [[200, PACKAGE.decode()]] * 2
        site.endpoint_policy(ALLOW, DENY_FIRST, DENY_SECOND)
        for status, text in fetch():
            assert status == 403
            assert "AccessDenied" in text
    site.completes()


@pytest.mark.parametrize("half", [DENY_FIRST, DENY_SECOND], ids=["first", "second"])
def test_either_half_of_the_guides_sample_alone_denies_the_job_access(
    make_site: Callable[..., Site], half: dict[str, Any]
) -> None:
    site = make_site()
    site.endpoint_policy(half)
    message = site.failure("NO_READ_ACCESS_TO_INPUT")
    assert "VPC endpoint policy" in message


# Interface endpoints


@pytest.mark.costs(24, reason="loads the SDK for every call from the job, and waits for several calls to time out")
def test_a_job_can_call_an_api_only_through_an_interface_endpoint(
    make_site: Callable[..., Site],
) -> None:
    site = make_site()
    site.open_group()
    with site.running() as (_, worker):

        def standard() -> list[Any]:
            return site.call(worker, "logs", "describe_log_groups")

        assert standard()[0] in ("ConnectTimeoutError", "EndpointConnectionError")
        endpoint_group = site.group("10.0.0.0/8")
        made = site.interface_endpoint(LOGS, endpoint_group, private=False)
        own = f"https://{made['DnsEntries'][0]['DnsName']}"
        zonal = f"https://{made['DnsEntries'][1]['DnsName']}"

        def by_name(url: str) -> list[Any]:
            return site.call(worker, "logs", "describe_log_groups", url)

        eventually_answers(lambda: by_name(own), "answered")
        assert by_name(zonal)[0] == "answered"
        # Without private DNS, the service's name resolves to its public address, to which there is no route.
        assert standard()[0] in ("ConnectTimeoutError", "EndpointConnectionError")
        site.ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], PrivateDnsEnabled=True)
        eventually_answers(standard, "answered")
        # The endpoint serves only its own service.
        assert "scoped to correct service" in site.call(worker, "sts", "get_caller_identity", own)[1]
        # The endpoint's policy applies.
        nothing = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
        site.ec2.modify_vpc_endpoint(
            VpcEndpointId=made["VpcEndpointId"], PolicyDocument=json.dumps({"Statement": [nothing]})
        )
        kind, text = standard()
        assert (kind, "VPC endpoint policy" in text) == ("AccessDeniedException", True)
        site.ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], ResetPolicy=True)
        # The endpoint's security group applies.
        site.ec2.revoke_security_group_ingress(
            GroupId=endpoint_group, IpPermissions=[site.permission(443, "10.0.0.0/8")]
        )
        eventually_answers(standard, "ConnectTimeoutError")
        site.ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
        assert standard()[0] in ("ConnectTimeoutError", "EndpointConnectionError")
    settled(site.leftovers)


def test_every_service_is_reachable_through_its_interface_endpoint(make_site: Callable[..., Site]) -> None:
    site = make_site()
    site.open_group()
    endpoint_group = site.group("10.0.0.0/8")
    calls = {
        "comprehend": ("list_entities_detection_jobs", {}),
        "ec2": ("describe_vpcs", {}),
        "logs": ("describe_log_groups", {}),
        "sts": ("get_caller_identity", {}),
        "iam": ("get_role", {"RoleName": site.role.rpartition("/")[2]}),
    }
    for service in calls:
        name = "com.amazonaws.iam" if service == "iam" else f"com.amazonaws.{REGION}.{service}"
        site.interface_endpoint(name, endpoint_group, private=True)
    with site.running() as (_, worker):
        for service, (operation, parameters) in calls.items():
            said = site.call(worker, service, operation, **parameters)
            assert said[0] == "answered", (service, said)


def test_a_job_reaches_s3_through_an_interface_endpoint_with_private_dns(make_site: Callable[..., Site]) -> None:
    site = make_site(endpoint=False)
    endpoint_group = site.group()
    site.open_group()
    inside: Any = {"PrivateDnsOnlyForInboundResolverEndpoint": False}
    made = site.interface_endpoint(S3, endpoint_group, private=True, DnsOptions=inside)
    assert endpoint_group in site.failure("NO_ROUTE_TO_STORAGE")
    site.ec2.authorize_security_group_ingress(
        GroupId=endpoint_group, IpPermissions=[site.permission(443, "10.0.0.0/8")]
    )
    site.bucket_policy({"Condition": {"StringNotEquals": {"aws:SourceVpce": made["VpcEndpointId"]}}})
    site.completes()
    site.ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], PrivateDnsEnabled=False)
    assert site.network.route_table in site.failure("NO_ROUTE_TO_STORAGE")


def test_a_bucket_is_reachable_by_the_names_of_an_s3_interface_endpoint(make_site: Callable[..., Site]) -> None:
    site = make_site()
    site.open_group()
    made = site.interface_endpoint(S3, site.group("10.0.0.0/8"), private=False)
    names = [entry["DnsName"].replace("*", "bucket", 1) for entry in made["DnsEntries"]]
    with site.running() as (_, worker):
        for name in names:
            said = site.call(worker, "s3", "list_objects_v2", f"https://{name}", Bucket=site.bucket, Prefix="in/")
            assert said[0] == "answered", said
            assert said[1]["KeyCount"] == 1


# NAT gateways


def test_a_custom_model_is_trained_and_used_behind_a_nat_gateway(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(endpoint=False)
    nat, _ = nat_gateway(site)
    site.ec2.create_route(RouteTableId=site.network.route_table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    account = site.account
    comprehend: Any = account.comprehend
    texts = [f"The train to {city} leaves at {n}." for n in range(8) for city in ("Warsaw", "Paris", "Oslo", "Lima")]
    marks = [f"lines.txt,{n},13,{text.index(' leaves')},CITY" for n, text in enumerate(texts)]
    rows = "\n".join(["File,Line,Begin Offset,End Offset,Type", *marks])
    for key, body in (("documents/lines.txt", "\n".join(texts)), ("marks.csv", rows)):
        account.s3.put_object(Bucket=site.bucket, Key=key, Body=body.encode())
    recognizer = comprehend.create_entity_recognizer(
        RecognizerName=f"cities-{site.bucket}",
        LanguageCode="en",
        DataAccessRoleArn=site.role,
        InputDataConfig={
            "EntityTypes": [{"Type": "CITY"}],
            "Documents": {"S3Uri": f"s3://{site.bucket}/documents/"},
            "Annotations": {"S3Uri": f"s3://{site.bucket}/marks.csv"},
        },
        VpcConfig=site.network.config(),
    )["EntityRecognizerArn"]

    def ended() -> Any:
        model = comprehend.describe_entity_recognizer(EntityRecognizerArn=recognizer)["EntityRecognizerProperties"]
        return None if model["Status"] in ("SUBMITTED", "TRAINING") else model

    model = eventually(ended, 200, "the end of the training")
    assert model["Status"].startswith("TRAINED"), model
    site.completes(kind="entities", EntityRecognizerArn=recognizer)
    site.ec2.delete_nat_gateway(NatGatewayId=nat)
    settled(site.leftovers)


def test_behind_a_nat_gateway_a_job_reaches_s3_and_the_apis_from_its_elastic_ip(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(endpoint=False)
    ec2 = site.ec2
    nat, allocation = nat_gateway(site)
    assert site.network.route_table in site.failure("NO_ROUTE_TO_STORAGE")
    ec2.create_route(RouteTableId=site.network.route_table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    site.completes()
    address = ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0]["PublicIp"]
    site.bucket_policy(
        {"Sid": "Elsewhere", "Condition": {"NotIpAddress": {"aws:SourceIp": f"{address}/32"}}},
        {"Sid": "Endpoint", "Condition": {"Null": {"aws:SourceVpce": "false"}}},
        {"Sid": "Vpc", "Condition": {"Null": {"aws:SourceVpc": "false"}}},
    )
    site.completes()
    site.bucket_policy({"Sid": "NotFromThere", "Condition": {"IpAddress": {"aws:SourceIp": f"{address}/32"}}})
    assert "NotFromThere" in site.failure("NO_READ_ACCESS_TO_INPUT")
    site.account.s3.delete_bucket_policy(Bucket=site.bucket)
    # The APIs are not in the prefix list of S3, so they require another egress rule.
    with site.running() as (_, worker):
        assert site.call(worker, "sts", "get_caller_identity")[0] == "ConnectTimeoutError"
        site.open_group()
        eventually_answers(lambda: site.call(worker, "sts", "get_caller_identity"), "answered")
    ec2.delete_nat_gateway(NatGatewayId=nat)
    assert "blackhole" in site.failure("NO_ROUTE_TO_STORAGE").lower()
    settled(site.leftovers)


def test_a_job_without_a_public_address_cannot_use_an_internet_gateway(make_site: Callable[..., Site]) -> None:
    site = make_site(endpoint=False)
    public_side(site)
    (gateway,) = site.ec2.describe_internet_gateways(
        Filters=[{"Name": "attachment.vpc-id", "Values": [site.network.vpc]}]
    )["InternetGateways"]
    site.ec2.create_route(
        RouteTableId=site.network.route_table,
        DestinationCidrBlock="0.0.0.0/0",
        GatewayId=gateway["InternetGatewayId"],
    )
    assert gateway["InternetGatewayId"] in site.failure("NO_ROUTE_TO_STORAGE")


# DNS


def test_without_dns_support_a_job_fails_with_a_message_about_dns(make_site: Callable[..., Site]) -> None:
    site = make_site()
    site.ec2.modify_vpc_attribute(VpcId=site.network.vpc, EnableDnsSupport={"Value": False})
    assert f"enableDnsSupport of {site.network.vpc} is false" in site.failure("NO_ROUTE_TO_STORAGE")
    site.ec2.modify_vpc_attribute(VpcId=site.network.vpc, EnableDnsSupport={"Value": True})
    site.completes()


def test_without_a_dhcp_options_set_a_job_fails_with_a_message_about_dns(make_site: Callable[..., Site]) -> None:
    site = make_site()
    site.ec2.associate_dhcp_options(VpcId=site.network.vpc, DhcpOptionsId="default")
    assert "DNS resolves no name" in site.failure("NO_ROUTE_TO_STORAGE")


@pytest.mark.costs(13, reason="runs two jobs, and the container of one is the other's name server")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can open port 53 in the namespace of a container")
@pytest.mark.parametrize("answer", ["52.216.0.10", "203.0.113.9"], ids=["of S3", "foreign"])
def test_a_custom_name_server_decides_whether_a_job_reaches_s3(make_site: Callable[..., Site], answer: str) -> None:
    site = make_site()
    asking: Any = [{"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    site.ec2.authorize_security_group_egress(GroupId=site.network.group, IpPermissions=asking)
    site.ec2.authorize_security_group_ingress(GroupId=site.network.group, IpPermissions=asking)
    with site.running() as (job, worker):
        address = site.interface_of(job)["PrivateIpAddress"]
        server = subprocess.Popen(
            ["/usr/bin/nsenter", "-n", "-t", str(worker), "--", sys.executable, "-c", NAME_SERVER, answer],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "listening\n"
            options = site.ec2.create_dhcp_options(
                DhcpConfigurations=[{"Key": "domain-name-servers", "Values": [address]}]
            )["DhcpOptions"]["DhcpOptionsId"]
            site.ec2.associate_dhcp_options(VpcId=site.network.vpc, DhcpOptionsId=options)
            properties = site.run("in/")
        finally:
            server.kill()
            server.wait(5)
    if answer == "52.216.0.10":
        assert properties["JobStatus"] == "COMPLETED", properties
    else:
        assert properties["JobStatus"] == "FAILED", properties
        assert properties["Message"].startswith("NO_ROUTE_TO_STORAGE: ")
        assert f"{site.network.vpc} uses its own name servers ({address})" in properties["Message"]


# Groups


def test_containers_of_one_group_can_connect_only_with_a_rule_for_the_group_itself(
    make_site: Callable[..., Site],
) -> None:
    site = make_site()
    group = site.network.group
    itself: Any = [{"IpProtocol": "tcp", "FromPort": 7070, "ToPort": 7070, "UserIdGroupPairs": [{"GroupId": group}]}]
    with site.running() as (first, listener), site.running() as (_, caller):
        address = site.interface_of(first)["PrivateIpAddress"]
        server = start_in_container(listener, LISTEN)
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "listening\n"

            def says() -> list[str]:
                return run_in_container(caller, CONNECT, address).split()

            assert says() == ["TimeoutError"]
            site.ec2.authorize_security_group_egress(GroupId=group, IpPermissions=itself)
            assert says() == ["TimeoutError"]
            site.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=itself)
            eventually_answers(says, "connected")
        finally:
            server.kill()
            server.wait(5)


def test_egress_to_the_prefix_list_of_s3_allows_s3_and_nothing_else(make_site: Callable[..., Site]) -> None:
    site = make_site()
    site.interface_endpoint(LOGS, site.group("10.0.0.0/8"), private=True)
    with site.running() as (_, worker):
        said = site.call(worker, "s3", "list_objects_v2", Bucket=site.bucket, Prefix="in/")
        assert said[0] == "answered", said
        assert site.call(worker, "logs", "describe_log_groups")[0] == "ConnectTimeoutError"
    site.completes()
