"""The credentials of a job work only on that job's own interfaces; stolen credentials give no access."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import botocore
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError
from urllib3 import encode_multipart_formdata

from reading_room.analysis.job_file import Done, Ready
from reading_room.aws.call import NetworkPath
from reading_room.aws.receive import PATH_KEY
from reading_room.containers.spec import ContainerSpec
from reading_room.iam import inline_policies, roles
from reading_room.jobs.record import story
from reading_room.vpc.addressing import addresses
from tests.worlds.comprehend import ALLOW_ALL
from tests.worlds.models import ACCOUNT, ROLE, ModelWorld, classifier_request, refused

pytestmark = pytest.mark.costs(0.8, reason="it starts the whole product with a network and jobs")

LIST = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"
HOST = NetworkPath(source_ip="127.0.0.1", secure=True)
"""The API's listen address on the host's loopback."""
SECOND = f"arn:aws:iam::{ACCOUNT}:role/Second"
JOB = {
    "InputDataConfig": {"S3Uri": "s3://papers/in/"},
    "OutputDataConfig": {"S3Uri": "s3://papers/out/"},
    "DataAccessRoleArn": ROLE,
}
ONCE: Any = {"total_max_attempts": 1}


@dataclass
class JobNetwork:
    """A VPC, 10.0.0.0/16, with an endpoint for S3."""

    vpc: str
    subnet: str
    group: str
    table: str
    endpoint: str

    def config(self) -> dict[str, Any]:
        return {"SecurityGroupIds": [self.group], "Subnets": [self.subnet]}


class Bound(ModelWorld):
    """The product with a network, a bucket, and a second role that the first may assume."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(folder, **settings)
        self.ec2 = self.client_of("network", service="ec2")
        self.home = self.network()
        s3 = self.client_of("storage", service="s3")
        s3.create_bucket(Bucket="papers")
        s3.put_object(Bucket="papers", Key="in/a.txt", Body=b"words")
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        with self.database.transaction() as session:
            text = json.dumps({"Version": "2012-10-17", "Statement": trust})
            role = roles.create(session, ACCOUNT, "Second", text, self.now)
            inline_policies.put(session, "role", role.unique_id, "Second", "All", ALLOW_ALL)

    def network(self) -> JobNetwork:
        """Create a VPC with one subnet."""
        ec2 = self.ec2
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        mine = [{"Name": "vpc-id", "Values": [vpc]}]
        table = ec2.describe_route_tables(Filters=mine)["RouteTables"][0]["RouteTableId"]
        endpoint = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3", RouteTableIds=[table])
        return JobNetwork(
            vpc,
            ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"],
            ec2.describe_security_groups(Filters=mine)["SecurityGroups"][0]["GroupId"],
            table,
            endpoint["VpcEndpoint"]["VpcEndpointId"],
        )

    def job(self, net: JobNetwork | None = None) -> ContainerSpec:
        """Start a job in a network, and return the spec of its container."""
        known = {spec.container_id for spec in self.wanted()}
        config = (net or self.home).config()
        self.client.start_entities_detection_job(LanguageCode="en", VpcConfig=config, **JOB)
        self.turn(2)
        (spec,) = (each for each in self.wanted() if each.container_id not in known)
        return spec

    def end(self, spec: ContainerSpec) -> None:
        """Complete a job."""
        self.says(spec, Done(1, 0, 10, "0" * 64), phase="exited")

    def path_of_container(self, spec: ContainerSpec) -> NetworkPath:
        """Return the network path of a container through the endpoint of its network."""
        return self.path_of(spec, self.home.endpoint)

    def reads(self, path: NetworkPath, keys: dict[str, str]) -> None:
        """Read an object and call GetCallerIdentity over a path."""
        s3, sts = self.client_from(path, "s3", keys), self.client_from(path, "sts", keys)
        assert s3.get_object(Bucket="papers", Key="in/a.txt")["Body"].read() == b"words"
        assert ":assumed-role/" in sts.get_caller_identity()["Arn"]

    def refuses(self, path: NetworkPath, keys: dict[str, str]) -> None:
        """Check that calls over a path are refused, by S3 and by GetCallerIdentity, which no policy can deny."""
        s3, sts = self.client_from(path, "s3", keys), self.client_from(path, "sts", keys)
        for call, more in ((s3.get_object, {"Bucket": "papers", "Key": "in/a.txt"}), (sts.get_caller_identity, {})):
            code, text = refused(call, **more)
            assert (code, "explicit deny in a session policy" in text) == ("AccessDenied", True), text

    def assumed(self, path: NetworkPath, keys: dict[str, str]) -> dict[str, str]:
        """Assume the second role over a path; return its credentials."""
        sts = self.client_from(path, "sts", keys)
        return as_arguments(sts.assume_role(RoleArn=SECOND, RoleSessionName="further")["Credentials"])


def as_arguments(credentials: dict[str, Any]) -> dict[str, str]:
    """Return the credentials of an answer as arguments of a client."""
    return {
        "access_key_id": credentials["AccessKeyId"],
        "secret_access_key": credentials["SecretAccessKey"],
        "session_token": credentials["SessionToken"],
    }


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Bound]:
    world = Bound(tmp_path)
    yield world
    world.close()


# Where the job itself may use them


def test_they_work_on_every_interface_of_the_job(world: Bound) -> None:
    spec = world.job()
    keys = world.keys_of(spec)
    world.reads(world.path_of_container(spec), keys)
    further = world.assumed(world.path_of_container(spec), keys)
    # A later attempt has another interface. Sessions derived from the first one's credentials still work there.
    world.says(spec, Ready(), phase="lost")
    (again,) = world.wanted()
    assert again.interface_id != spec.interface_id
    world.reads(world.path_of_container(again), world.keys_of(again))
    world.reads(world.path_of_container(again), further)


def test_in_the_services_own_network_an_interface_is_identified_by_its_private_address(world: Bound) -> None:
    spec = world.job()
    plain = world.client.start_dominant_language_detection_job(**JOB)["JobId"]
    world.turn(2)
    (own,) = (each for each in world.wanted() if each.job.job_id == plain)
    world.reads(world.path_of(own), world.keys_of(own))
    world.refuses(world.path_of(own), world.keys_of(spec))


def test_the_session_for_the_model_is_bound_too(world: Bound) -> None:
    world.client.create_document_classifier(**classifier_request(VpcConfig=world.home.config()))
    world.turn(2)
    (spec,) = world.wanted()
    assert spec.job.model is not None
    keys = world.keys_of(spec, spec.job.model.credentials_path)
    artifact = spec.job.model.artifact
    put = {"Bucket": artifact.bucket, "Key": artifact.key, "Body": b"x"}
    assert refused(world.client_from(HOST, "s3", keys).put_object, **put)[0] == "AccessDenied"
    world.client_from(world.path_of_container(spec), "s3", keys).put_object(**put)


# Where nobody else may use them


WAYS = (
    "from-another-job",
    "from-a-plain-interface",
    "from-the-same-address-of-another-vpc",
    "from-the-loopback-listen-address",
    "from-the-private-address-at-a-public-listen-address",
)


@pytest.mark.parametrize("way", WAYS)
def test_stolen_credentials_are_refused_elsewhere(world: Bound, way: str) -> None:
    spec = world.job()
    keys = world.keys_of(spec)
    match way:
        case "from-another-job":
            path = world.path_of_container(world.job())
        case "from-a-plain-interface":
            made = world.ec2.create_network_interface(SubnetId=world.home.subnet)["NetworkInterface"]
            path = replace(world.path_of_container(spec), vpc_source_ip=made["PrivateIpAddress"])
        case "from-the-same-address-of-another-vpc":
            # The same address in another VPC: an address alone proves nothing.
            other = world.network()
            path = replace(world.path_of_container(spec), vpc_id=other.vpc, vpc_endpoint_id=other.endpoint)
        case "from-the-loopback-listen-address":
            path = HOST
        case _:
            path = world.path_of(spec)
    world.refuses(path, keys)
    world.reads(world.path_of_container(spec), keys)


def test_sessions_derived_from_them_are_bound_too(world: Bound) -> None:
    spec = world.job()
    path, keys = world.path_of_container(spec), world.keys_of(spec)
    further = world.assumed(path, keys)
    third = world.assumed(path, further)
    for each in (further, third):
        world.reads(path, each)
        world.refuses(HOST, each)
        world.refuses(world.path_of_container(world.job()), each)


def test_a_session_signed_in_with_a_token_of_theirs_is_bound_too(world: Bound) -> None:
    spec = world.job()
    room = world.client_from(world.path_of_container(spec), "reading-room", world.keys_of(spec))
    token = room.create_sign_in_token()["Token"]
    config = Config(signature_version=botocore.UNSIGNED, retries=ONCE)
    unsigned = world.process.client("reading-room", access_key_id="x", secret_access_key="x", config=config)
    signed_in = as_arguments(unsigned.redeem_sign_in_token(Token=token)["Credentials"])
    world.reads(world.path_of_container(spec), signed_in)
    world.refuses(HOST, signed_in)


def test_a_derived_session_is_refused_after_the_jobs_end_even_from_the_same_address(world: Bound) -> None:
    spec = world.job()
    path, keys = world.path_of_container(spec), world.keys_of(spec)
    further = world.assumed(path, keys)
    world.reads(path, further)
    world.end(spec)
    assert refused(world.client_from(path, "sts", keys).get_caller_identity)[0] == "InvalidClientTokenId"
    world.refuses(path, further)
    # After its rest period an address is assigned again, to another interface.
    world.now += addresses.REST
    next_job = world.job()
    assert (world.path_of_container(next_job), next_job.interface_id == spec.interface_id) == (path, False)
    world.refuses(path, further)
    world.reads(path, world.keys_of(next_job))


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_presigned_url_of_the_job_works_only_from_the_job(world: Bound, version: Literal["s3v4", "s3"]) -> None:
    spec = world.job()
    signer = world.client_from(
        world.path_of_container(spec), "s3", world.keys_of(spec), config=Config(signature_version=version)
    )
    url = signer.generate_presigned_url("get_object", Params={"Bucket": "papers", "Key": "in/a.txt"})
    request = AWSRequest("GET", url).prepare()
    assert world.inside.send(request, {PATH_KEY: world.path_of_container(spec)}).status_code == 200
    stolen = world.inside.send(request, {PATH_KEY: world.path_of_container(world.job())})
    assert (stolen.status_code, b"<Code>AccessDenied</Code>" in stolen.content) == (403, True)
    assert world.process.send(request, {PATH_KEY: HOST}).status_code == 403


def test_a_form_signed_by_the_job_works_only_from_the_job(world: Bound) -> None:
    spec = world.job()
    signed = world.client_from(world.path_of_container(spec), "s3", world.keys_of(spec)).generate_presigned_post(
        "papers", "form.txt"
    )
    body, content_type = encode_multipart_formdata({**signed["fields"], "file": ("form.txt", b"words")})
    request = AWSRequest("POST", signed["url"], {"Content-Type": content_type}, body).prepare()
    assert world.process.send(request, {PATH_KEY: HOST}).status_code == 403
    assert world.inside.send(request, {PATH_KEY: world.path_of_container(spec)}).status_code == 204


def test_headers_that_claim_to_come_from_the_job_have_no_effect(world: Bound) -> None:
    spec = world.job()
    path = world.path_of_container(spec)
    s3 = world.client_from(HOST, "s3", world.keys_of(spec), config=Config(retries=ONCE))

    def claim(request: Any, **_: Any) -> None:
        for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "aws:VpcSourceIp", "reading-room:SourceJob"):
            request.headers[name] = path.vpc_source_ip
        request.headers["aws:SourceVpc"] = path.vpc_id

    s3.meta.events.register("before-sign", claim)
    assert refused(s3.get_object, Bucket="papers", Key="in/a.txt")[0] == "AccessDenied"


def test_deleting_several_objects_is_refused_for_each_of_them(world: Bound) -> None:
    keys = world.keys_of(world.job())
    s3 = world.client_from(HOST, "s3", keys)
    answer = s3.delete_objects(Bucket="papers", Delete={"Objects": [{"Key": "in/a.txt"}, {"Key": "b"}]})
    assert [each["Code"] for each in answer["Errors"]] == ["AccessDenied"] * 2


# Through gateways


class Gateways:
    """A public subnet with a NAT gateway, to which the main route table of a network leads."""

    def __init__(self, world: Bound, net: JobNetwork) -> None:
        ec2 = world.ec2
        public = ec2.create_subnet(VpcId=net.vpc, CidrBlock="10.0.2.0/24")["Subnet"]["SubnetId"]
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=net.vpc)
        self.table = ec2.create_route_table(VpcId=net.vpc)["RouteTable"]["RouteTableId"]
        ec2.associate_route_table(RouteTableId=self.table, SubnetId=public)
        everything = {"DestinationCidrBlock": "0.0.0.0/0"}
        ec2.create_route(RouteTableId=self.table, GatewayId=gateway, **everything)
        elastic = ec2.allocate_address(Domain="vpc")
        made = ec2.create_nat_gateway(SubnetId=public, AllocationId=elastic["AllocationId"])["NatGateway"]
        self.nat = made["NatGatewayId"]
        (addresses,) = ec2.describe_nat_gateways(NatGatewayIds=[self.nat])["NatGateways"][0]["NatGatewayAddresses"]
        ec2.create_route(RouteTableId=net.table, NatGatewayId=self.nat, **everything)
        self.public = NetworkPath(source_ip=elastic["PublicIp"], secure=True, router_vpc_id=net.vpc)
        self.private = addresses["PrivateIp"]


def test_behind_a_nat_gateway_a_job_is_identified_by_its_route_to_the_gateway(world: Bound) -> None:
    gateways = Gateways(world, world.home)
    spec = world.job()
    keys = world.keys_of(spec)
    world.reads(gateways.public, keys)
    world.reads(replace(world.path_of_container(spec), vpc_source_ip=gateways.private), keys)
    # A job whose subnet has no route to the gateway cannot have sent requests through it.
    away = world.ec2.create_subnet(VpcId=world.home.vpc, CidrBlock="10.0.4.0/24")["Subnet"]["SubnetId"]
    table = world.ec2.create_route_table(VpcId=world.home.vpc)["RouteTable"]["RouteTableId"]
    world.ec2.associate_route_table(RouteTableId=table, SubnetId=away)
    world.ec2.modify_vpc_endpoint(VpcEndpointId=world.home.endpoint, AddRouteTableIds=[table])
    other = world.job(replace(world.home, subnet=away))
    world.refuses(gateways.public, world.keys_of(other))
    world.end(spec)
    assert refused(world.client_from(gateways.public, "sts", keys).get_caller_identity)[0] == "InvalidClientTokenId"
    world.refuses(gateways.public, world.keys_of(other))


def test_an_elastic_ip_identifies_its_own_interface(world: Bound) -> None:
    Gateways(world, world.home)
    spec, neighbour = world.job(), world.job()
    paths = {}
    for each in (spec, neighbour):
        elastic = world.ec2.allocate_address(Domain="vpc")
        world.ec2.associate_address(AllocationId=elastic["AllocationId"], NetworkInterfaceId=each.interface_id)
        paths[each.container_id] = NetworkPath(source_ip=elastic["PublicIp"], router_vpc_id=world.home.vpc)
    keys = world.keys_of(spec)
    world.reads(paths[spec.container_id], keys)
    world.refuses(paths[neighbour.container_id], keys)
    # In the router of another VPC the address belongs to no interface.
    world.refuses(replace(paths[spec.container_id], router_vpc_id=world.network().vpc), keys)


# The option, and how a denial is explained


@pytest.mark.parametrize(
    ("settings", "bound"),
    [
        ({"profile": "aws"}, False),
        ({"profile": "aws", "credentials_bound": "on"}, True),
        ({"credentials_bound": "off"}, False),
        ({}, True),
    ],
)
def test_the_option_is_on_by_default_in_the_open_profile_only(
    tmp_path: Path, settings: dict[str, Any], bound: bool
) -> None:
    world = Bound(tmp_path, **settings)
    try:
        keys = world.keys_of(world.job())
        (world.refuses if bound else world.reads)(HOST, keys)
    finally:
        world.close()


def test_a_denial_is_explained_to_the_account_of_the_job(world: Bound) -> None:
    spec = world.job()
    s3 = world.client_from(HOST, "s3", world.keys_of(spec))
    with pytest.raises(ClientError) as raised:
        s3.get_object(Bucket="papers", Key="in/a.txt")
    request = raised.value.response["ResponseMetadata"]["RequestId"]
    explained = world.client_of("owner", service="reading-room").explain_request(RequestId=request)
    (denial,) = explained["Denials"]
    assert denial["Action"] == "s3:GetObject"
    assert denial["PrincipalArn"].endswith(f"/Comprehend-{spec.job.job_id}")
    assert denial["Because"] == [
        "statement 'OnlyFromTheJob' of session policy "
        f"that binds the credentials to job {spec.job.job_id} (READING_ROOM_CREDENTIALS_BOUND)"
    ]
    (statement,) = denial["DecidingStatements"]
    (condition,) = statement["Conditions"]
    assert (condition["Key"], condition["Wanted"], condition["Found"]) == (
        "reading-room:sourcejob",
        [spec.job.job_id],
        [],
    )
    assert {"Key": "aws:SourceIp", "Values": ["127.0.0.1"]} in denial["Context"]


def test_the_service_itself_uses_the_role_without_an_interface(world: Bound) -> None:
    """The service prepares and deletes a job's network as the data access role, with nine EC2 actions."""
    spec = world.job()
    world.end(spec)
    with world.database.reading() as session:
        lines = story(session, spec.job.job_id)
    assert lines[-1].endswith("interface and container gone [failed]")
    assert not any("removed by the service" in line for line in lines)


def test_the_attempts_match_the_list_of_attacks() -> None:
    others = {
        "through-a-derived-session": test_sessions_derived_from_them_are_bound_too,
        "through-a-sign-in-token": test_a_session_signed_in_with_a_token_of_theirs_is_bound_too,
        "after-the-end-from-a-new-interface-with-the-old-address": (
            test_a_derived_session_is_refused_after_the_jobs_end_even_from_the_same_address
        ),
        "by-a-presigned-url": test_a_presigned_url_of_the_job_works_only_from_the_job,
        "with-forged-headers": test_headers_that_claim_to_come_from_the_job_have_no_effect,
        "through-a-nat-gateway-that-the-job-does-not-use": (
            test_behind_a_nat_gateway_a_job_is_identified_by_its_route_to_the_gateway
        ),
        "from-another-elastic-ip": test_an_elastic_ip_identifies_its_own_interface,
    }
    text = LIST.read_text().partition("## With credentials that were carried away")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE) == [*WAYS, *others]
