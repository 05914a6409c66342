"""AssumeRole called with boto3: session policies, tags, source identities, chains, and unsupported parameters."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from reading_room.iam import accounts
from reading_room.iam.policy.evaluate import Decision
from tests.worlds.iam import ACCOUNT, IamWorld, policy, trust
from tests.worlds.iam_answers import key_of, refusal

ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
TAGGING = ["sts:AssumeRole", "sts:TagSession"]
OTHER = "000000000002"
TEAM_RED = [{"Key": "Team", "Value": "red"}]


def role(world: IamWorld, name: str = "Reader", document: str | None = None, **more: Any) -> str:
    """Create a role that alice may assume and that has all permissions, and return its ARN."""
    iam = world.client("iam")
    given = {"principal": {"AWS": [ALICE, ACCOUNT]}, "Action": TAGGING, **more}
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(given.pop("principal"), **given))["Role"][
        "Arn"
    ]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document or policy())
    return arn


@pytest.fixture
def alice(world: IamWorld) -> Any:
    """An STS client of a user without any policy."""
    return world.client("sts", **world.user("alice"))


def test_managed_and_inline_session_policies_limit_a_session_together(world: IamWorld, alice: Any) -> None:
    arn, iam = role(world), world.client("iam")
    reads = iam.create_policy(PolicyName="reads", PolicyDocument=policy(action="iam:GetRole"))["Policy"]["Arn"]
    answer = alice.assume_role(
        RoleArn=arn,
        RoleSessionName="ab",
        PolicyArns=[{"arn": reads}, {"arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}],
        Policy=policy(action="iam:ListUsers"),
    )
    assert answer["PackedPolicySize"] >= 1
    inside = world.client("iam", **key_of(answer))
    inside.get_role(RoleName="Reader")
    inside.list_users()
    assert refusal(inside.list_roles)[1].endswith("because no session policy allows the iam:ListRoles action")
    # The session holds only the ARN: the policy is read at each use.
    iam.create_policy_version(PolicyArn=reads, PolicyDocument=policy(action="iam:ListRoles"), SetAsDefault=True)
    inside.list_roles()
    assert "no session policy" in refusal(inside.get_role, RoleName="Reader")[1]


def test_a_deleted_managed_session_policy_allows_nothing(world: IamWorld, alice: Any) -> None:
    arn, iam = role(world), world.client("iam")
    reads = iam.create_policy(PolicyName="reads", PolicyDocument=policy())["Policy"]["Arn"]
    inside = world.client(
        "iam", **key_of(alice.assume_role(RoleArn=arn, RoleSessionName="ab", PolicyArns=[{"arn": reads}]))
    )
    inside.list_roles()
    iam.delete_policy(PolicyArn=reads)
    assert "no session policy" in refusal(inside.list_roles)[1]


@pytest.mark.parametrize("account", [ACCOUNT, "000000000002"])
def test_a_session_with_a_missing_managed_policy_is_refused(world: IamWorld, alice: Any, account: str) -> None:
    missing = f"arn:aws:iam::{account}:policy/nothing"
    assert refusal(alice.assume_role, RoleArn=role(world), RoleSessionName="ab", PolicyArns=[{"arn": missing}]) == (
        "ValidationError",
        f"Policy {missing} does not exist or is not attachable.",
    )


@pytest.mark.costs(0.2, reason="ten policies are made, a call each")
def test_the_total_size_of_session_policies_is_limited(world: IamWorld, alice: Any) -> None:
    arn, iam = role(world), world.client("iam")
    names = [str(number) + "p" * 120 for number in range(10)]
    arns = [{"arn": iam.create_policy(PolicyName=name, PolicyDocument=policy())["Policy"]["Arn"]} for name in names]
    alice.assume_role(RoleArn=arn, RoleSessionName="ab", PolicyArns=arns)
    code, message = refusal(
        alice.assume_role,
        RoleArn=arn,
        RoleSessionName="ab",
        PolicyArns=arns,
        Policy=policy(resource="arn:aws:s3:::" + "r" * 1000),
    )
    assert code == "PackedPolicyTooLarge"
    assert message.startswith("Packed policy consumes 1")
    random = [hashlib.sha512(bytes([number])).hexdigest() * 2 for number in range(50)]
    tags = [{"Key": value[:8], "Value": value} for value in random]
    assert refusal(alice.assume_role, RoleArn=arn, RoleSessionName="ab", Tags=tags)[0] == "PackedPolicyTooLarge"


def test_an_invalid_session_policy_is_refused(world: IamWorld, alice: Any) -> None:
    arn = role(world)
    for broken in ("{", policy(Principal="*"), policy() + policy()):
        code, _ = refusal(alice.assume_role, RoleArn=arn, RoleSessionName="ab", Policy=broken)
        assert code == "MalformedPolicyDocument"


def test_session_tags_override_role_tags_ignoring_case(world: IamWorld, alice: Any) -> None:
    red = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    arn = role(world, document=policy(Condition=red))
    world.client("iam").tag_role(RoleName="Reader", Tags=[{"Key": "team", "Value": "blue"}])
    plain = world.client("iam", **key_of(alice.assume_role(RoleArn=arn, RoleSessionName="ab")))
    assert refusal(plain.list_roles)[0] == "AccessDenied"
    tagged = world.client("iam", **key_of(alice.assume_role(RoleArn=arn, RoleSessionName="ab", Tags=TEAM_RED)))
    tagged.list_roles()


@pytest.mark.costs(0.2, reason="roles and users are made for both sides, with a client each")
def test_session_tags_require_permission_on_both_sides(world: IamWorld, alice: Any) -> None:
    untagged = role(world, Action="sts:AssumeRole")
    alice.assume_role(RoleArn=untagged, RoleSessionName="ab")
    assert refusal(alice.assume_role, RoleArn=untagged, RoleSessionName="ab", Tags=TEAM_RED) == (
        "AccessDenied",
        f"User: {ALICE} is not authorized to perform: sts:TagSession on resource: {untagged}",
    )
    delegated = role(world, "Delegated", principal={"AWS": ACCOUNT})
    bob = world.client("sts", **world.user("bob", policy(action="sts:AssumeRole")))
    bob.assume_role(RoleArn=delegated, RoleSessionName="ab")
    assert "sts:TagSession" in refusal(bob.assume_role, RoleArn=delegated, RoleSessionName="ab", Tags=TEAM_RED)[1]
    carol = world.client("sts", **world.user("carol", policy(action=TAGGING)))
    carol.assume_role(RoleArn=delegated, RoleSessionName="ab", Tags=TEAM_RED)


@pytest.mark.parametrize(
    ("condition", "good"),
    [
        ({"StringEquals": {"aws:RequestTag/team": "red"}}, True),
        ({"StringEquals": {"aws:RequestTag/team": "blue"}}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["Team", "Site"]}}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["Site"]}}, False),
        ({"ForAnyValue:StringEquals": {"sts:TransitiveTagKeys": "Team"}}, True),
        ({"Null": {"sts:TransitiveTagKeys": "true"}}, False),
        ({"StringEquals": {"sts:RoleSessionName": "ab"}}, True),
        ({"StringEquals": {"sts:RoleSessionName": "cd"}}, False),
        ({"StringEquals": {"sts:ExternalId": "deal/7"}}, True),
        ({"StringEquals": {"sts:ExternalId": "deal/8"}}, False),
        ({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/al*"}}, True),
    ],
)
def test_a_trust_policy_can_have_conditions_on_the_session(
    world: IamWorld, alice: Any, condition: dict[str, Any], good: bool
) -> None:
    parameters = {
        "RoleArn": role(world, Condition=condition),
        "RoleSessionName": "ab",
        "Tags": TEAM_RED,
        "TransitiveTagKeys": ["Team"],
        "ExternalId": "deal/7",
    }
    if good:
        alice.assume_role(**parameters)
    else:
        assert refusal(alice.assume_role, **parameters)[0] == "AccessDenied"


def test_a_missing_external_id_is_refused(world: IamWorld, alice: Any) -> None:
    arn = role(world, Condition={"StringEquals": {"sts:ExternalId": "deal"}})
    assert refusal(alice.assume_role, RoleArn=arn, RoleSessionName="ab")[0] == "AccessDenied"
    alice.assume_role(RoleArn=arn, RoleSessionName="ab", ExternalId="deal")


def test_transitive_tags_persist_along_a_chain_and_cannot_be_changed(world: IamWorld, alice: Any) -> None:
    one, two, three = (role(world, name) for name in ("One", "Two", "Three"))
    tags = [*TEAM_RED, {"Key": "Site", "Value": "north"}]
    first = alice.assume_role(RoleArn=one, RoleSessionName="ab", Tags=tags, TransitiveTagKeys=["Team"])
    sts = world.client("sts", **key_of(first))
    answer = sts.assume_role(RoleArn=two, RoleSessionName="ab", Tags=[{"Key": "Own", "Value": "x"}])
    held = world.credentials.find(answer["Credentials"]["AccessKeyId"])
    assert held is not None
    assert held.principal.session_tags == (("Team", "red"), ("Own", "x"))
    assert held.principal.transitive_tag_keys == ("Team",)
    last = world.client("sts", **key_of(answer)).assume_role(RoleArn=three, RoleSessionName="ab")
    held = world.credentials.find(last["Credentials"]["AccessKeyId"])
    assert held is not None
    assert held.principal.session_tags == (("Team", "red"),)
    other = [{"Key": "TEAM", "Value": "blue"}]
    assert refusal(sts.assume_role, RoleArn=two, RoleSessionName="ab", Tags=other) == (
        "InvalidParameterValue",
        "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the "
        "calling session.",
    )


def test_a_role_that_allows_no_tags_ends_a_chain_with_transitive_tags(world: IamWorld, alice: Any) -> None:
    one, two = role(world, "One"), role(world, "Two", Action="sts:AssumeRole")
    tagged = alice.assume_role(RoleArn=one, RoleSessionName="ab", Tags=TEAM_RED, TransitiveTagKeys=["team"])
    sts = world.client("sts", **key_of(tagged))
    assert "sts:TagSession" in refusal(sts.assume_role, RoleArn=two, RoleSessionName="ab")[1]


def test_invalid_session_tags_are_refused(world: IamWorld, alice: Any) -> None:
    arn = role(world)
    twice = [*TEAM_RED, {"Key": "team", "Value": "blue"}]
    assert refusal(alice.assume_role, RoleArn=arn, RoleSessionName="ab", Tags=twice) == (
        "InvalidParameterValue",
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    )
    assert refusal(alice.assume_role, RoleArn=arn, RoleSessionName="ab", Tags=TEAM_RED, TransitiveTagKeys=["Site"]) == (
        "InvalidParameterValue",
        "The specified transitive tag key must be included in the requested tags.",
    )


def test_a_source_identity_persists_along_a_chain(world: IamWorld, alice: Any) -> None:
    every: dict[str, Any] = {"Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}
    person = {"StringEquals": {"aws:SourceIdentity": "ada"}}
    one, two = role(world, "One", **every), role(world, "Two", policy(Condition=person), **every)
    first = alice.assume_role(RoleArn=one, RoleSessionName="ab", SourceIdentity="ada")
    assert first["SourceIdentity"] == "ada"
    sts = world.client("sts", **key_of(first))
    second = sts.assume_role(RoleArn=two, RoleSessionName="ab")
    assert second["SourceIdentity"] == "ada"
    world.client("iam", **key_of(second)).list_roles()
    assert sts.assume_role(RoleArn=two, RoleSessionName="ab", SourceIdentity="ada")["SourceIdentity"] == "ada"
    assert refusal(sts.assume_role, RoleArn=two, RoleSessionName="ab", SourceIdentity="bob") == (
        "ValidationError",
        "The source identity is already set for this assume role session",
    )
    without = world.client("iam", **key_of(alice.assume_role(RoleArn=two, RoleSessionName="ab")))
    assert refusal(without.list_roles)[0] == "AccessDenied"


def test_a_source_identity_requires_permission_in_every_role(world: IamWorld, alice: Any) -> None:
    plain = role(world)
    assert refusal(alice.assume_role, RoleArn=plain, RoleSessionName="ab", SourceIdentity="ada") == (
        "AccessDenied",
        f"User: {ALICE} is not authorized to perform: sts:SetSourceIdentity on resource: {plain}",
    )
    one = role(world, "One", Action=["sts:AssumeRole", "sts:SetSourceIdentity"])
    sts = world.client("sts", **key_of(alice.assume_role(RoleArn=one, RoleSessionName="ab", SourceIdentity="ada")))
    assert "sts:SetSourceIdentity" in refusal(sts.assume_role, RoleArn=plain, RoleSessionName="ab")[1]


def test_a_trust_policy_can_require_a_source_identity(world: IamWorld, alice: Any) -> None:
    arn = role(
        world,
        Action=["sts:AssumeRole", "sts:SetSourceIdentity"],
        Condition={"StringLike": {"sts:SourceIdentity": "a*"}},
    )
    assert refusal(alice.assume_role, RoleArn=arn, RoleSessionName="ab")[0] == "AccessDenied"
    assert refusal(alice.assume_role, RoleArn=arn, RoleSessionName="ab", SourceIdentity="bob")[0] == "AccessDenied"
    alice.assume_role(RoleArn=arn, RoleSessionName="ab", SourceIdentity="ada")


def test_mfa_codes_and_context_assertions_are_refused_as_invalid(world: IamWorld, alice: Any) -> None:
    arn = role(world)
    device = {"SerialNumber": f"arn:aws:iam::{ACCOUNT}:mfa/alice", "TokenCode": "123456"}
    code, message = refusal(alice.assume_role, RoleArn=arn, RoleSessionName="ab", **device)
    assert code == "AccessDenied"
    assert message.startswith("MultiFactorAuthentication failed, unable to validate MFA code.")
    contexts = [{"ProviderArn": "arn:aws:iam::aws:contextProvider/IdentityCenter", "ContextAssertion": "abcd"}]
    assert refusal(alice.assume_role, RoleArn=arn, RoleSessionName="ab", ProvidedContexts=contexts)[0] == (
        "InvalidContextAssertion"
    )


def test_a_token_has_the_requested_minimum_length(world: IamWorld, alice: Any) -> None:
    answer = alice.assume_role(RoleArn=role(world), RoleSessionName="ab", MinimumSessionTokenSize=2000)
    assert len(answer["Credentials"]["SessionToken"]) == answer["SessionTokenSize"] == 2000
    assert answer["SessionTokenUtilization"] == 48
    world.client("sts", **key_of(answer)).get_caller_identity()


def test_a_trust_policy_can_name_a_session(world: IamWorld, alice: Any) -> None:
    one = role(world, "One", policy(action="iam:ListRoles"))
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/One/night"
    two = role(world, "Two", principal={"AWS": session})
    night = world.client("sts", **key_of(alice.assume_role(RoleArn=one, RoleSessionName="night")))
    night.assume_role(RoleArn=two, RoleSessionName="ab")
    day = world.client("sts", **key_of(alice.assume_role(RoleArn=one, RoleSessionName="day")))
    assert refusal(day.assume_role, RoleArn=two, RoleSessionName="ab")[0] == "AccessDenied"


@pytest.fixture
def stranger(world: IamWorld) -> Any:
    """The administrator of another account, as options for a client."""
    with world.database.transaction() as session:
        key = accounts.create(session, OTHER, "", world.now)
    return {"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key}


def test_a_cross_account_role_requires_permission_in_both_accounts(world: IamWorld, stranger: Any) -> None:
    closed = role(world, "Closed", principal={"AWS": ACCOUNT})
    opened = role(world, "Opened", principal={"AWS": OTHER})
    sts, iam = world.client("sts", **stranger), world.client("iam", **stranger)
    assert refusal(sts.assume_role, RoleArn=closed, RoleSessionName="ab") == (
        "AccessDenied",
        f"User: arn:aws:iam::{OTHER}:user/administrator is not authorized to perform: sts:AssumeRole "
        f"on resource: {closed}",
    )
    inside = world.client("iam", **key_of(sts.assume_role(RoleArn=opened, RoleSessionName="ab")))
    assert inside.get_role(RoleName="Opened")["Role"]["Arn"] == opened
    iam.create_user(UserName="bob")
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    bob = world.client("sts", access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])
    assert refusal(bob.assume_role, RoleArn=opened, RoleSessionName="ab")[0] == "AccessDenied"
    iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=policy(action="sts:AssumeRole", resource=opened))
    bob.assume_role(RoleArn=opened, RoleSessionName="ab")


def test_an_external_id_prevents_a_confused_deputy(world: IamWorld, stranger: Any) -> None:
    mine = {"StringEquals": {"sts:ExternalId": "customer-1"}}
    arn = role(world, principal={"AWS": OTHER}, Condition=mine)
    sts = world.client("sts", **stranger)
    for wrong in ({}, {"ExternalId": "customer-2"}, {"ExternalId": "Customer-1"}):
        assert refusal(sts.assume_role, RoleArn=arn, RoleSessionName="ab", **wrong)[0] == "AccessDenied"
    sts.assume_role(RoleArn=arn, RoleSessionName="ab", ExternalId="customer-1")


def test_a_managed_session_policy_belongs_to_the_roles_account(world: IamWorld, stranger: Any) -> None:
    arn = role(world, principal={"AWS": OTHER})
    foreign = world.client("iam", **stranger).create_policy(PolicyName="p", PolicyDocument=policy())["Policy"]["Arn"]
    own = world.client("iam").create_policy(PolicyName="p", PolicyDocument=policy())["Policy"]["Arn"]
    sts = world.client("sts", **stranger)
    sts.assume_role(RoleArn=arn, RoleSessionName="ab", PolicyArns=[{"arn": own}])
    assert refusal(sts.assume_role, RoleArn=arn, RoleSessionName="ab", PolicyArns=[{"arn": foreign}])[0] == (
        "ValidationError"
    )


@pytest.mark.one_process
def test_every_refusal_is_logged_with_its_reason(world: IamWorld) -> None:
    decisions: list[Decision] = []
    world.authorizer.denied = lambda request_id, decision: decisions.append(decision)
    user = world.user("alice", policy("Deny", "sts:GetSessionToken"))
    sts = world.client("sts", **user)
    assert refusal(sts.get_session_token)[0] == "AccessDenied"
    missing = f"arn:aws:iam::{ACCOUNT}:role/None"
    code, message = refusal(world.client("sts").assume_role, RoleArn=missing, RoleSessionName="night")
    assert code == "AccessDenied"
    assert "exist" not in message
    assert refusal(sts.get_federation_token, Name="somebody")[0] == "AccessDenied"
    assert [denial.action for denial in decisions] == [
        "sts:GetSessionToken",
        "sts:AssumeRole",
        "sts:GetFederationToken",
    ]
    assert "'only'" in decisions[0].reasons()
    assert decisions[1].evidence is not None
    assert decisions[1].evidence.policies[0].name == f"of {missing}, which does not exist"
