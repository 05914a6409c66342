"""An organization in the whole product: a member with a bucket and an endpoint, and a stranger with its own of each."""

from __future__ import annotations

import json
from typing import Any

from reading_room.aws.call import NetworkPath
from reading_room.aws.receive import PATH_KEY
from tests.worlds.extension import REGION, ExtensionWorld, allow, keys_of, policy

STRANGER = "777788889999"
CORPORATE = "198.51.100.0/24"


class Perimeter:
    """A member account with a bucket and an endpoint, and a stranger with its own of each.

    The strangers' account belongs to the installation, but not to the organization.
    """

    def __init__(self, world: ExtensionWorld) -> None:
        self.world = world
        self.organizations = world.client("organizations")
        self.id: str = self.organizations.create_organization()["Organization"]["Id"]
        self.root: str = self.organizations.list_roots()["Roots"][0]["Id"]
        self.organizations.enable_policy_type(RootId=self.root, PolicyType="RESOURCE_CONTROL_POLICY")
        made = self.organizations.create_account(AccountName="papers", Email="papers@example.com")
        self.member: str = made["CreateAccountStatus"]["AccountId"]
        role = f"arn:aws:iam::{self.member}:role/OrganizationAccountAccessRole"
        self.keys = keys_of(world.client("sts").assume_role(RoleArn=role, RoleSessionName="me")["Credentials"])
        self.stranger = world.user("eve", allow("*"), account=STRANGER)
        self.endpoint = self.make_endpoint(self.keys)
        self.foreign_endpoint = self.make_endpoint(self.stranger)
        for name, keys in (("ours", self.keys), ("theirs", self.stranger)):
            s3 = self.s3(keys)
            s3.create_bucket(Bucket=name)
            s3.put_object(Bucket=name, Key="a", Body=b"text")
            s3.delete_public_access_block(Bucket=name)
            everybody = allow("s3:GetObject", "s3:PutObject", resource=f"arn:aws:s3:::{name}/*", Principal={"AWS": "*"})
            s3.put_bucket_policy(Bucket=name, Policy=policy(everybody))

    def make_endpoint(self, keys: dict[str, str]) -> tuple[str, str]:
        """Make a VPC with an endpoint for S3 that lets everything through; return the ids of both."""
        ec2 = self.world.client("ec2", keys)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        made = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3")
        return vpc, made["VpcEndpoint"]["VpcEndpointId"]

    def s3(self, keys: dict[str, str], through: tuple[str, str] | None = None, source_ip: str = "203.0.113.9") -> Any:
        """Return a client whose requests come through an endpoint, or else from a public address."""
        path = NetworkPath(source_ip=source_ip, secure=True)
        if through is not None:
            vpc, endpoint = through
            path = NetworkPath(secure=True, vpc_id=vpc, vpc_endpoint_id=endpoint, vpc_source_ip="10.0.0.9")
        return self.world.process.client("s3", scope={PATH_KEY: path}, **keys)

    def attach(self, kind: str, *statements: dict[str, Any]) -> None:
        """Attach a policy of a kind to the root."""
        made = self.organizations.create_policy(
            Name=f"{kind} {len(json.dumps(statements))}", Description="", Type=kind, Content=policy(*statements)
        )
        self.organizations.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=self.root)

    def filter(self, *statements: dict[str, Any]) -> None:
        """Give the member's endpoint a policy."""
        ec2 = self.world.client("ec2", self.keys)
        ec2.modify_vpc_endpoint(VpcEndpointId=self.endpoint[1], PolicyDocument=policy(*statements))
