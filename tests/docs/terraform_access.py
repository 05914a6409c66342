"""More resources of the page, with the calls of Terraform's provider: a bucket, a role, its policy; and the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tests.docs.terraform_provider import Provider, refused, until_gone
from tests.docs.terraform_resources import (
    SecurityGroup,
    Subnet,
    Vpc,
    VpcEndpoint,
    same_policy,
    tag_changes,
    tag_list,
    tags_of,
)
from tests.docs.terraform_world import Arguments, Resource, State
from tests.worlds.waiting import eventually


class Bucket(Resource):
    """``aws_s3_bucket``."""

    in_place = frozenset({"force_destroy", "tags"})
    settings: Mapping[str, str] = {
        "get_bucket_policy": "NoSuchBucketPolicy",
        "get_bucket_acl": "",
        "get_bucket_cors": "NoSuchCORSConfiguration",
        "get_bucket_website": "NoSuchWebsiteConfiguration",
        "get_bucket_versioning": "",
        "get_bucket_accelerate_configuration": "",
        "get_bucket_request_payment": "",
        "get_bucket_logging": "",
        "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
        "get_bucket_replication": "ReplicationConfigurationNotFoundError",
        "get_bucket_encryption": "",
        "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
    }
    """What the provider reads of a bucket, in its order, and the answer to each if it was never set."""

    def __init__(self, provider: Provider) -> None:
        """Take the provider's client."""
        self.s3 = provider.s3

    def create(self, wanted: Arguments) -> str:
        """Create it if it does not exist, wait until it exists, and tag it."""
        name: str = wanted.get("bucket")
        assert refused(lambda: self.s3.head_bucket(Bucket=name)) == "404"
        self.s3.create_bucket(Bucket=name, ACL="private")
        eventually(lambda: refused(lambda: self.s3.head_bucket(Bucket=name)) == "")
        if wanted.get("tags"):
            self._tag({"id": name, "tags": {}}, wanted)
        return name

    def _tags(self, name: str) -> dict[str, str]:
        found: dict[str, str] = {}
        code = refused(lambda: found.update(tags_of(self.s3.get_bucket_tagging(Bucket=name)["TagSet"])))
        assert code in ("", "NoSuchTagSet"), code
        return found

    def _tag(self, state: State, wanted: Arguments) -> None:
        """The provider keeps tags that it does not know."""
        others = {key: value for key, value in self._tags(state["id"]).items() if key not in state["tags"]}
        tags = others | wanted.get("tags", {})
        if tags:
            self.s3.put_bucket_tagging(Bucket=state["id"], Tagging={"TagSet": tag_list(tags)})
        else:
            self.s3.delete_bucket_tagging(Bucket=state["id"])

    def read(self, identity: str, wanted: Arguments) -> State:
        """Read all settings that a bucket can have; the page sets none of them."""
        self.s3.head_bucket(Bucket=identity)
        for setting, code in self.settings.items():
            assert (setting, refused(partial(getattr(self.s3, setting), Bucket=identity))) == (setting, code)
        head = self.s3.head_bucket(Bucket=identity)["ResponseMetadata"]["HTTPHeaders"]
        return {
            "id": identity,
            "arn": f"arn:aws:s3:::{identity}",
            "bucket": identity,
            "region": head["x-amz-bucket-region"],
            # No call returns it, so it is only in the state.
            "force_destroy": wanted.get("force_destroy", False),
            "tags": self._tags(identity),
        }

    def update(self, state: State, wanted: Arguments, changed: set[str]) -> None:
        """Set the tags."""
        if "tags" in changed:
            self._tag(state, wanted)

    def delete(self, state: State) -> None:
        """Delete it; if it is not empty but may be emptied, delete every version and marker first."""
        name = state["id"]
        code = refused(lambda: self.s3.delete_bucket(Bucket=name))
        if code == "BucketNotEmpty" and state["force_destroy"]:
            self._empty(name, "Versions")
            self._empty(name, "DeleteMarkers")
            code = refused(lambda: self.s3.delete_bucket(Bucket=name))
        assert code == ""
        until_gone(lambda: self.s3.head_bucket(Bucket=name), "404")

    def _empty(self, name: str, listed: str) -> None:
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=name):
            entries: Any = page.get(listed, [])
            objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in entries]
            if objects:
                answer = self.s3.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})  # type: ignore[typeddict-item]
                assert "Errors" not in answer


class Role(Resource):
    """``aws_iam_role``."""

    in_place = frozenset({"assume_role_policy", "tags"})

    def __init__(self, provider: Provider) -> None:
        """Take the provider's client."""
        self.iam = provider.iam

    def create(self, wanted: Arguments) -> str:
        """Create it, with its tags."""
        tags = wanted.get("tags", {})
        tagged: Any = {"Tags": tag_list(tags)} if tags else {}
        made = self.iam.create_role(
            AssumeRolePolicyDocument=wanted.get("assume_role_policy"),
            Path="/",
            RoleName=wanted.get("name"),
            MaxSessionDuration=3600,
            **tagged,
        )["Role"]
        return made["RoleName"]

    def read(self, identity: str, wanted: Arguments) -> State:
        """Read it, each inline policy and the names of the attached ones."""
        role = self.iam.get_role(RoleName=identity)["Role"]
        assert role["Arn"].startswith("arn:")
        names = [
            name
            for page in self.iam.get_paginator("list_role_policies").paginate(RoleName=identity)
            for name in page["PolicyNames"]
        ]
        for name in names:
            assert self.iam.get_role_policy(RoleName=identity, PolicyName=name)["PolicyDocument"]
        pages = self.iam.get_paginator("list_attached_role_policies").paginate(RoleName=identity)
        assert [each for page in pages for each in page["AttachedPolicies"]] == []
        assert (role["Path"], role["MaxSessionDuration"]) == ("/", 3600)
        return {
            "id": identity,
            "arn": role["Arn"],
            "name": role["RoleName"],
            "unique_id": role["RoleId"],
            "assume_role_policy": same_policy(role["AssumeRolePolicyDocument"]),
            "inline_policy": names,
            "tags": tags_of(role.get("Tags", [])),
        }

    def wanted_form(self, name: str, wanted: Arguments) -> Any:
        """Policies are compared by their meaning."""
        return same_policy(wanted.get(name)) if name == "assume_role_policy" else wanted.get(name)

    def update(self, state: State, wanted: Arguments, changed: set[str]) -> None:
        """Change its trust policy, then the tags."""
        if "assume_role_policy" in changed:
            document = wanted.get("assume_role_policy")
            self.iam.update_assume_role_policy(RoleName=state["id"], PolicyDocument=document)
        if "tags" in changed:
            removed, added = tag_changes(state["tags"], wanted.get("tags", {}))
            if removed:
                self.iam.untag_role(RoleName=state["id"], TagKeys=list(removed))
            if added:
                self.iam.tag_role(RoleName=state["id"], Tags=tag_list(added))

    def delete(self, state: State) -> None:
        """Remove it from instance profiles, delete the inline policies that the last read found, then the role."""
        name = state["id"]
        assert self.iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"] == []
        if state["inline_policy"]:
            for policy in self.iam.list_role_policies(RoleName=name)["PolicyNames"]:
                self.iam.delete_role_policy(RoleName=name, PolicyName=policy)
        self.iam.delete_role(RoleName=name)
        until_gone(lambda: self.iam.get_role(RoleName=name), "NoSuchEntity")


class RolePolicy(Resource):
    """``aws_iam_role_policy``; its id is both names."""

    in_place = frozenset({"policy"})

    def __init__(self, provider: Provider) -> None:
        """Take the provider's client."""
        self.iam = provider.iam

    def create(self, wanted: Arguments) -> str:
        """Put it and wait until it exists."""
        role, name = wanted.get("role"), wanted.get("name")
        self.iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=wanted.get("policy"))
        eventually(lambda: refused(lambda: self.iam.get_role_policy(RoleName=role, PolicyName=name)) == "")
        return f"{role}:{name}"

    def read(self, identity: str, wanted: Arguments) -> State:
        """Read it."""
        role, name = identity.split(":")
        found = self.iam.get_role_policy(RoleName=role, PolicyName=name)
        return {
            "id": identity,
            "role": found["RoleName"],
            "name": found["PolicyName"],
            "policy": same_policy(found["PolicyDocument"]),
        }

    def wanted_form(self, name: str, wanted: Arguments) -> Any:
        """Policies are compared by their meaning."""
        return same_policy(wanted.get(name)) if name == "policy" else wanted.get(name)

    def update(self, state: State, wanted: Arguments, changed: set[str]) -> None:
        """Put it again."""
        self.iam.put_role_policy(RoleName=state["role"], PolicyName=state["name"], PolicyDocument=wanted.get("policy"))

    def delete(self, state: State) -> None:
        """Delete it."""
        self.iam.delete_role_policy(RoleName=state["role"], PolicyName=state["name"])
        read = partial(self.iam.get_role_policy, RoleName=state["role"], PolicyName=state["name"])
        until_gone(read, "NoSuchEntity")


TYPES: Mapping[str, Callable[[Provider], Resource]] = {
    "aws_iam_role": Role,
    "aws_iam_role_policy": RolePolicy,
    "aws_s3_bucket": Bucket,
    "aws_security_group": SecurityGroup,
    "aws_subnet": Subnet,
    "aws_vpc": Vpc,
    "aws_vpc_endpoint": VpcEndpoint,
}
"""The resource types that can be simulated."""


def kinds_of(provider: Provider) -> dict[str, Callable[[], Resource]]:
    """Return the class of each resource type, ready for a first call."""
    return {kind: partial(made, provider) for kind, made in TYPES.items()}
