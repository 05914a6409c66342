"""Every operation of IAM and STS refuses two policies in one text, but accepts each of them, and the merged one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.worlds.iam import ACCOUNT, IamWorld, refusal, trust

TABLE: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "iam_cases.json").read_text())
GUIDE: str = TABLE["policies"]["seed-linux-repos-deny"]["text"]
"""The guide's sample of two consecutive documents, unchanged."""
SYNTAX = "Syntax errors in policy."
NO_JSON = "This policy contains invalid Json"
HOSTILE = sorted((Path(__file__).parent / "data" / "hostile_policies").glob("*.json"))

Door = Callable[[Any, IamWorld, str], object]


def _role(iam: Any) -> str:
    if not any(role["RoleName"] == "reader" for role in iam.list_roles()["Roles"]):
        iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    return f"arn:aws:iam::{ACCOUNT}:role/reader"


def _create_policy(iam: Any, world: IamWorld, text: str) -> object:
    return iam.create_policy(PolicyName=f"p{len(iam.list_policies(Scope='Local')['Policies'])}", PolicyDocument=text)


def _new_version(iam: Any, world: IamWorld, text: str) -> object:
    if not iam.list_policies(Scope="Local")["Policies"]:
        _create_policy(iam, world, identity("ListVersions")[0])
    return iam.create_policy_version(PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/p0", PolicyDocument=text)


def _user_policy(iam: Any, world: IamWorld, text: str) -> object:
    if "alice" not in [user["UserName"] for user in iam.list_users()["Users"]]:
        iam.create_user(UserName="alice")
    return iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=text)


def _group_policy(iam: Any, world: IamWorld, text: str) -> object:
    if not iam.list_groups()["Groups"]:
        iam.create_group(GroupName="readers")
    return iam.put_group_policy(GroupName="readers", PolicyName="p", PolicyDocument=text)


def _role_policy(iam: Any, world: IamWorld, text: str) -> object:
    _role(iam)
    return iam.put_role_policy(RoleName="reader", PolicyName="p", PolicyDocument=text)


def _session_policy(iam: Any, world: IamWorld, text: str) -> object:
    arn = _role(iam)
    return world.client("sts").assume_role(RoleArn=arn, RoleSessionName="session", Policy=text)


def _federation_policy(iam: Any, world: IamWorld, text: str) -> object:
    return world.client("sts").get_federation_token(Name="visitor", Policy=text)


def _new_role(iam: Any, world: IamWorld, text: str) -> object:
    return iam.create_role(RoleName=f"r{len(iam.list_roles()['Roles'])}", AssumeRolePolicyDocument=text)


def _new_trust(iam: Any, world: IamWorld, text: str) -> object:
    _role(iam)
    return iam.update_assume_role_policy(RoleName="reader", PolicyDocument=text)


def identity(*actions: str) -> list[str]:
    """Return two identity policies, and one that combines them."""
    entries = [{"Effect": "Allow", "Action": f"s3:{action}", "Resource": "*"} for action in actions]
    return [json.dumps({"Version": "2012-10-17", "Statement": [entry]}) for entry in entries]


def both(halves: list[str]) -> str:
    """Return a document that combines two."""
    entries = [entry for half in halves for entry in json.loads(half)["Statement"]]
    return json.dumps({"Version": "2012-10-17", "Statement": entries})


@pytest.mark.parametrize(
    "door",
    [
        pytest.param(_create_policy, id="CreatePolicy"),
        pytest.param(_new_version, id="CreatePolicyVersion"),
        pytest.param(_user_policy, id="PutUserPolicy"),
        pytest.param(_group_policy, id="PutGroupPolicy"),
        pytest.param(_role_policy, id="PutRolePolicy"),
        pytest.param(_session_policy, id="AssumeRole"),
        pytest.param(_federation_policy, id="GetFederationToken"),
    ],
)
def test_an_identity_policy_is_one_document(world: IamWorld, door: Door) -> None:
    iam = world.client("iam")
    halves = identity("GetObject", "PutObject")
    for text in (GUIDE, "\n".join(halves), "".join(halves)):
        assert refusal(lambda text=text: door(iam, world, text)) == ("MalformedPolicyDocument", SYNTAX, 400)
    for text in (*halves, both(halves)):
        assert door(iam, world, text)


@pytest.mark.parametrize(
    "door", [pytest.param(_new_role, id="CreateRole"), pytest.param(_new_trust, id="UpdateAssumeRolePolicy")]
)
def test_a_trust_policy_is_one_document(world: IamWorld, door: Door) -> None:
    iam = world.client("iam")
    halves = [trust({"AWS": ACCOUNT}), trust({"Service": "comprehend.amazonaws.com"})]
    for text in (GUIDE, "\n".join(halves), "".join(halves)):
        assert refusal(lambda text=text: door(iam, world, text)) == ("MalformedPolicyDocument", NO_JSON, 400)
    for text in (*halves, both(halves)):
        assert door(iam, world, text)


@pytest.mark.parametrize("number", [1, 2])
def test_half_of_the_guides_text_is_not_an_identity_policy(world: IamWorld, number: int) -> None:
    """It names a principal, which is only valid in policies of resources and endpoints."""
    name = {1: "seed-linux-repos-deny-first", 2: "seed-linux-repos-deny-second"}[number]
    half = json.dumps(TABLE["policies"][name]["document"])
    code, message, _ = refusal(lambda: _user_policy(world.client("iam"), world, half))
    assert (code, message) == ("MalformedPolicyDocument", "Policy document should not specify a principal.")


@pytest.mark.costs(0.2, reason="a large document is sent to every door")
@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in HOSTILE])
def test_a_hostile_document_is_refused_on_the_wire_and_nothing_is_stored(world: IamWorld, path: Path) -> None:
    iam = world.client("iam")
    iam.create_user(UserName="alice")
    text = path.read_text(encoding="utf-8")
    code, _, status = refusal(iam.put_user_policy, UserName="alice", PolicyName="hostile", PolicyDocument=text)
    assert (code in ("MalformedPolicyDocument", "ValidationError"), status) == (True, 400)
    code, _, status = refusal(iam.create_role, RoleName="hostile", AssumeRolePolicyDocument=text)
    assert (code in ("MalformedPolicyDocument", "ValidationError"), status) == (True, 400)
    code, _, status = refusal(iam.simulate_custom_policy, PolicyInputList=[text], ActionNames=["s3:GetObject"])
    assert (code in ("InvalidInput", "ValidationError"), status) == (True, 400)
    assert iam.list_user_policies(UserName="alice")["PolicyNames"] == []
    assert iam.list_roles()["Roles"] == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(identity("GetObject")[0].replace("*", "arn:aws:s3:::\N{SNOWMAN}"), id="a character above U+00FF"),
        pytest.param(identity("GetObject")[0] + " " * 131_072, id="more than 131,072 characters"),
    ],
)
def test_invalid_characters_are_refused_before_parsing(world: IamWorld, text: str) -> None:
    code, _, status = refusal(world.client("iam").create_policy, PolicyName="p", PolicyDocument=text)
    assert (code, status) == ("ValidationError", 400)
