"""A place in a VPC for one test, with changes to networks and calls from inside containers."""

from __future__ import annotations

import json
import secrets
from typing import Any

from reading_room.cli import reading
from tests.worlds.container_entry import run_in_container
from tests.worlds.place import Place
from tests.worlds.product import Product

FOUND_OUT_SECONDS = 5.0
"""The time within which a job without access to S3 fails: one second, and what a busy machine adds."""
EVERYWHERE: Any = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]

CALL = """
import json, sys
import boto3
from botocore.config import Config
service, operation, parameters, url, keys = json.loads(sys.argv[1])
config = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})
client = boto3.client(service, region_name="us-east-1", endpoint_url=url, config=config,
                      verify="/etc/ssl/certs/ca-certificates.crt", **keys)
try:
    answer = getattr(client, operation)(**parameters)
    answer.pop("ResponseMetadata")
    answer.pop("Body", None)
    print(json.dumps(["answered", answer], default=str))
except Exception as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""


class Site(Place):
    """A place for one test: its VPC has both DNS attributes, and no other test sees the changes."""

    number = 0

    def __init__(self, product: Product, *, endpoint: bool = True, account: reading.Account | None = None) -> None:
        Site.number += 1
        super().__init__(product, f"10.{100 + Site.number}.0.0/16", account, endpoint)
        self.ec2.modify_vpc_attribute(VpcId=self.network.vpc, EnableDnsHostnames={"Value": True})
        self.put("in/", 3)

    def failure(self, code: str, **more: Any) -> str:
        """Run a job that fails with a code; return its message."""
        properties = self.run("in/", **more)
        assert properties["JobStatus"] == "FAILED", properties
        message: str = properties["Message"]
        assert message.startswith(f"{code}: "), message
        if code == "NO_ROUTE_TO_STORAGE":
            took = (properties["EndTime"] - properties["SubmitTime"]).total_seconds()
            assert took < FOUND_OUT_SECONDS, "the failure was not found before the job began"
        return message

    def completes(self, **more: Any) -> None:
        """Run a job that completes."""
        properties = self.run("in/", **more)
        assert properties["JobStatus"] == "COMPLETED", properties

    def open_group(self) -> None:
        """Allow all egress from the job's group."""
        self.ec2.authorize_security_group_egress(GroupId=self.network.group, IpPermissions=EVERYWHERE)

    def group(self, *admitted: str, port: int = 443) -> str:
        """Make a group that accepts these networks at a port."""
        made = self.ec2.create_security_group(
            VpcId=self.network.vpc, GroupName=f"door-{secrets.token_hex(3)}", Description="of an endpoint"
        )["GroupId"]
        for network in admitted:
            self.ec2.authorize_security_group_ingress(GroupId=made, IpPermissions=[self.permission(port, network)])
        return made

    @staticmethod
    def permission(port: int, network: str) -> Any:
        """Return a rule for a TCP port and a network."""
        return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": network}]}

    def interface_endpoint(self, service: str, group: str, private: bool, **more: Any) -> dict[str, Any]:
        """Make an interface endpoint in the first subnet."""
        made = self.ec2.create_vpc_endpoint(
            VpcId=self.network.vpc,
            VpcEndpointType="Interface",
            ServiceName=service,
            SubnetIds=[self.network.subnets[0]],
            SecurityGroupIds=[group],
            PrivateDnsEnabled=private,
            **more,
        )
        return dict(made["VpcEndpoint"])

    def keys(self) -> dict[str, str]:
        """The administrator's keys."""
        endpoint = self.account.endpoint
        return {
            "aws_access_key_id": endpoint.access_key_id,
            "aws_secret_access_key": endpoint.secret_access_key,
        }

    def call(self, worker: int, service: str, operation: str, url: str | None = None, **parameters: Any) -> list[Any]:
        """Call a service from inside a container, as the administrator; return the outcome."""
        arguments = json.dumps([service, operation, parameters, url, self.keys()])
        return list(json.loads(run_in_container(worker, CALL, arguments, as_job=True)))

    def bucket_policy(self, *statements: dict[str, Any]) -> None:
        """Give the bucket a policy of statements about the job's role."""
        bucket = f"arn:aws:s3:::{self.bucket}"
        common = {"Effect": "Deny", "Principal": {"AWS": self.role}, "Action": "s3:*"}
        whole = [{**common, "Resource": [bucket, f"{bucket}/*"], **statement} for statement in statements]
        policy = json.dumps({"Version": "2012-10-17", "Statement": whole})
        self.account.s3.put_bucket_policy(Bucket=self.bucket, Policy=policy)

    def endpoint_policy(self, *statements: dict[str, Any]) -> None:
        """Give the gateway endpoint another policy, by default its default one."""
        endpoint: Any = {"VpcEndpointId": self.endpoint}
        if statements:
            policy = json.dumps({"Statement": list(statements)})
            self.ec2.modify_vpc_endpoint(**endpoint, PolicyDocument=policy)
        else:
            self.ec2.modify_vpc_endpoint(**endpoint, ResetPolicy=True)


def public_side(site: Site) -> tuple[str, str]:
    """Make an internet gateway, a public subnet and an Elastic IP in it; return the subnet and the allocation."""
    ec2 = site.ec2
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=site.network.vpc)
    prefix = ec2.describe_vpcs(VpcIds=[site.network.vpc])["Vpcs"][0]["CidrBlock"].rsplit(".", 2)[0]
    subnet = ec2.create_subnet(VpcId=site.network.vpc, CidrBlock=f"{prefix}.250.0/24")["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=site.network.vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    return subnet, ec2.allocate_address(Domain="vpc")["AllocationId"]


def nat_gateway(site: Site) -> tuple[str, str]:
    """Make a public NAT gateway without a route to it; return its id and its allocation."""
    subnet, allocation = public_side(site)
    nat = site.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=allocation)["NatGateway"]["NatGatewayId"]
    site.ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat], WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    return nat, allocation
