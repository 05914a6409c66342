"""Decisions: their outcome, and the reasons for the caller and the log."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from reading_room.aws.call import ANONYMOUS, Principal
from reading_room.iam.policy.document import PolicyUse, parse
from reading_room.iam.policy.evaluate import AttachedPolicy, Decision, PolicyKind, Reason, Request, decide

ACCOUNT, OTHER = "111122223333", "444455556666"
ALICE = Principal("user", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/alice", "AIDAEXAMPLEUSER000001", user_name="alice")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
READER = Principal(
    "session", ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/s", "AROAEXAMPLEROLE000001:s", role_arn=ROLE
)
ROOT = Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
SERVICE = Principal("service", "", "comprehend.amazonaws.com", "x", service_name="comprehend.amazonaws.com")
FIRST, SECOND = "arn:aws:s3:::corpus/a", "arn:aws:s3:::corpus/b"
USES: dict[PolicyKind, PolicyUse] = {"resource": "bucket", "endpoint": "endpoint", "trust": "trust", "rcp": "bucket"}


def policy(kind: PolicyKind, *entries: dict[str, Any], name: str = "p") -> AttachedPolicy:
    """Return a policy with the given statements, by default one that allows everything."""
    use = USES.get(kind, "inline")
    default: dict[str, Any] = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    if use in ("bucket", "endpoint"):
        default["Principal"] = "*"
    if use == "trust":
        default = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}
    text = json.dumps({"Version": "2012-10-17", "Statement": [{**default, **entry} for entry in entries or ({},)]})
    return AttachedPolicy(kind, parse(text, use), name)


def decision_on(
    caller: Principal, *policies: AttachedPolicy, resources: tuple[str, ...] = (FIRST,), **more: Any
) -> Decision:
    """Decide a read request."""
    request = Request(caller, more.pop("action", "s3:GetObject"), resources, more.pop("account", ACCOUNT), **more)
    return decide(request, policies)


def reasons(decision: Decision) -> list[tuple[str, str | None, str | None]]:
    """Return the reasons as plain values."""
    return [(reason.kind, reason.policy, reason.statement) for reason in decision.because]


NAMED = {"Principal": {"AWS": ALICE.arn}}
OWN, BUCKETS = ("identity", "p", "statement 1"), ("resource", "p", "statement 1")
ELSEWHERE = {"Resource": "arn:aws:s3:::elsewhere/*"}


@pytest.mark.parametrize(
    ("policies", "why"),
    [
        ([policy("identity")], [OWN]),
        ([policy("identity", {}, {"Sid": "More"})], [OWN, ("identity", "p", "statement 'More'")]),
        ([policy("resource", NAMED)], [BUCKETS]),
        ([policy("identity"), policy("resource", NAMED)], [OWN, BUCKETS]),
        ([policy("identity"), policy("resource", {"Principal": {"AWS": ACCOUNT}})], [OWN, BUCKETS]),
        ([policy("identity"), policy("boundary"), policy("resource", NAMED)], [OWN, BUCKETS]),
        ([policy("identity"), policy("boundary", ELSEWHERE), policy("resource", NAMED)], [BUCKETS]),
        ([policy("identity"), policy("session", ELSEWHERE), policy("resource", {"Principal": "*"})], [BUCKETS]),
    ],
)
def test_an_allow_has_the_statements_that_allowed_it(
    policies: list[AttachedPolicy], why: list[tuple[str, str, str]]
) -> None:
    decision = decision_on(ALICE, *policies)
    assert (decision.outcome, decision.allowed, decision.evidence) == ("allowed", True, None)
    assert reasons(decision) == why


@pytest.mark.parametrize(
    ("policies", "lacking"),
    [
        ([], ("identity", "resource")),
        ([policy("identity", ELSEWHERE)], ("identity", "resource")),
        ([policy("resource", {"Principal": {"AWS": ACCOUNT}})], ("identity", "resource")),
        ([policy("identity"), policy("scp", ELSEWHERE)], ("scp",)),
        ([policy("identity"), policy("endpoint", ELSEWHERE)], ("endpoint",)),
        ([policy("identity"), policy("boundary", ELSEWHERE)], ("boundary",)),
        ([policy("identity"), policy("session", ELSEWHERE)], ("session",)),
        ([policy("identity"), policy("session", ELSEWHERE), policy("boundary", ELSEWHERE)], ("boundary",)),
    ],
)
def test_an_implicit_deny_names_the_kind_of_policy(policies: list[AttachedPolicy], lacking: tuple[str, ...]) -> None:
    decision = decision_on(ALICE, *policies)
    assert decision.outcome == "implicitDeny"
    assert reasons(decision) == [(kind, None, None) for kind in lacking]
    assert decision.by == lacking
    assert decision.evidence is not None
    assert decision.evidence.policies == tuple(policies)


def test_across_accounts_both_sides_must_allow() -> None:
    mine, theirs = policy("identity"), policy("resource", NAMED)
    assert decision_on(ALICE, mine, theirs, account=OTHER).allowed
    assert decision_on(ALICE, mine, account=OTHER).by == ("resource",)
    assert decision_on(ALICE, theirs, account=OTHER).by == ("identity",)
    assert decision_on(ALICE, account=OTHER).by == ("identity", "resource")
    assert decision_on(ALICE, mine, theirs, policy("boundary", ELSEWHERE), account=OTHER).by == ("boundary",)


def test_a_grant_to_a_role_is_limited_by_the_session_policy() -> None:
    grant = policy("resource", {"Principal": {"AWS": ROLE}})
    assert reasons(decision_on(READER, grant)) == [BUCKETS]
    assert reasons(decision_on(READER, grant, policy("identity"))) == [OWN, BUCKETS]
    assert decision_on(READER, grant, policy("session", ELSEWHERE)).by == ("session",)
    assert decision_on(
        READER, policy("resource", {"Principal": {"AWS": READER.arn}}), policy("session", ELSEWHERE)
    ).allowed


DENY = {"Effect": "Deny"}
CEILINGS: list[PolicyKind] = ["scp", "rcp", "endpoint", "identity", "boundary", "session", "resource"]


@pytest.mark.parametrize("kind", CEILINGS)
def test_several_denies_are_reported_by_the_first_kind_in_awss_order(kind: PolicyKind) -> None:
    later = CEILINGS[CEILINGS.index(kind) :]
    denying = [policy(each, {}, {**DENY, "Sid": "No"}, name=each) for each in reversed(later)]
    decision = decision_on(ALICE, policy("identity"), policy("scp"), policy("endpoint"), *denying)
    assert decision.outcome == "explicitDeny"
    assert reasons(decision) == [(kind, kind, "statement 'No'")]


def test_each_denying_statement_is_reported() -> None:
    decision = decision_on(ALICE, policy("identity", {}, DENY, DENY))
    assert decision.reasons() == ("statement 2 of identity-based policy p; statement 3 of identity-based policy p")


def test_the_root_user_needs_no_policy_and_has_no_boundary() -> None:
    decision = decision_on(ROOT, policy("identity", DENY), policy("boundary", DENY))
    assert decision.allowed
    assert decision.reasons() == "the full access of identity-based policy of the account's root user"
    assert decision_on(ROOT, policy("resource", DENY)).outcome == "explicitDeny"
    assert decision_on(ROOT, policy("scp", ELSEWHERE)).by == ("scp",)
    assert decision_on(ROOT, account=OTHER).by == ("resource",)


@pytest.mark.parametrize("action", ["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:deletebucketpolicy"])
def test_the_owners_root_user_can_repair_its_bucket_policy(action: str) -> None:
    deny = policy("resource", DENY)
    assert decision_on(ROOT, deny, action=action).allowed
    assert not decision_on(ROOT, deny, action="s3:GetObject").allowed
    assert not decision_on(ALICE, policy("identity"), deny, action=action).allowed
    assert not decision_on(ROOT, policy("scp", DENY), action=action).allowed
    assert not decision_on(ROOT, deny, action=action, account=OTHER).allowed


def test_a_service_needs_a_resource_policy_but_no_service_control_policy() -> None:
    grant = policy("resource", {"Principal": {"Service": "comprehend.amazonaws.com"}})
    assert reasons(decision_on(SERVICE, grant, policy("scp", ELSEWHERE))) == [BUCKETS]
    assert decision_on(SERVICE, policy("resource", NAMED)).by == ("resource",)
    assert decision_on(SERVICE, grant, policy("endpoint", ELSEWHERE)).by == ("endpoint",)
    assert decision_on(ANONYMOUS, policy("resource")).allowed
    assert decision_on(ANONYMOUS, policy("resource", NAMED)).by == ("resource",)
    assert decision_on(ANONYMOUS, policy("resource"), policy("scp", ELSEWHERE)).by == ("scp",)


def test_a_role_can_be_assumed_with_trust_and_permission() -> None:
    trust = policy("trust")
    own = policy("identity", {"Action": "sts:*"})
    named = policy("trust", {"Principal": {"AWS": ALICE.arn}})
    assume: dict[str, Any] = {"action": "sts:AssumeRole", "resources": (ROLE,)}
    assert decision_on(ALICE, trust, own, **assume).allowed
    assert decision_on(ALICE, named, **assume).allowed
    assert decision_on(ALICE, trust, **assume).by == ("identity",)
    assert decision_on(ALICE, policy("trust", {"Principal": {"AWS": OTHER}}), own, **assume).by == ("trust",)
    stranger = replace(ALICE, account=OTHER)
    assert decision_on(stranger, policy("trust", {"Principal": {"AWS": OTHER}}), **assume).by == ("identity",)


def test_every_resource_must_be_allowed_and_explicit_denies_are_reported_first() -> None:
    own = policy("identity", {"Resource": FIRST})
    both = (FIRST, SECOND)
    assert decision_on(ALICE, policy("identity"), resources=both).resource == FIRST
    lack = decision_on(ALICE, own, resources=both)
    assert (lack.outcome, lack.resource) == ("implicitDeny", SECOND)
    assert decision_on(ALICE, own, resources=("arn:aws:s3:::corpus/c", SECOND)).resource == "arn:aws:s3:::corpus/c"
    deny = decision_on(
        ALICE, policy("identity", {"Resource": FIRST}, {**DENY, "Resource": SECOND}), resources=(SECOND, *both)
    )
    assert (deny.outcome, deny.resource) == ("explicitDeny", SECOND)
    last = decision_on(ALICE, policy("identity", {**DENY, "Resource": SECOND}), resources=both)
    assert (last.outcome, last.resource) == ("explicitDeny", SECOND)


def test_a_call_without_resources_needs_an_allow_for_all_resources() -> None:
    assert decision_on(ALICE, policy("identity"), resources=()).resource == "*"
    assert not decision_on(ALICE, policy("identity", {"Resource": FIRST}), resources=()).allowed


def test_condition_keys_are_found_in_any_case() -> None:
    own = policy("identity", {"Condition": {"StringEquals": {"AWS:sourcevpce": "vpce-1"}}})
    assert decision_on(ALICE, own, context={"aws:SourceVpce": ("vpce-1",)}).allowed
    assert not decision_on(ALICE, own, context={"aws:SourceVpce": ("vpce-2",)}).allowed


USER = f"User: {ALICE.arn} is not authorized to perform: s3:GetObject"


@pytest.mark.parametrize(
    ("policies", "resources", "quoted", "message"),
    [
        (
            [],
            (FIRST,),
            False,
            f"{USER} on resource: {FIRST} because no identity-based policy allows the s3:GetObject action",
        ),
        (
            [],
            (FIRST,),
            True,
            f'{USER} on resource: "{FIRST}" because no identity-based policy allows the s3:GetObject action',
        ),
        ([], ("*",), False, f"{USER} because no identity-based policy allows the s3:GetObject action"),
        ([], ("*",), True, f'{USER} on resource: "*" because no identity-based policy allows the s3:GetObject action'),
        (
            [policy("identity", DENY)],
            (FIRST,),
            False,
            f"{USER} on resource: {FIRST} with an explicit deny in an identity-based policy",
        ),
        (
            [policy("scp", DENY)],
            (FIRST,),
            False,
            f"{USER} on resource: {FIRST} with an explicit deny in a service control policy",
        ),
    ],
)
def test_a_denial_has_awss_message(
    policies: list[AttachedPolicy], resources: tuple[str, ...], quoted: bool, message: str
) -> None:
    assert decision_on(ALICE, *policies, resources=resources).message(quoted) == message


def test_an_implicit_deny_is_logged_by_kind() -> None:
    assert decision_on(ALICE).reasons() == "no identity-based policy allows it; no resource-based policy allows it"
    words = {
        "boundary": "permissions boundary",
        "session": "session policy",
        "rcp": "resource control policy",
        "endpoint": "VPC endpoint policy",
        "trust": "role trust policy",
    }
    for kind, name in words.items():
        assert str(Reason(kind)) == f"no {name} allows it"  # type: ignore[arg-type]
