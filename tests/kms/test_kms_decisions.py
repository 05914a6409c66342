"""Key policies and grants in the evaluation of policies: values in, a decision out."""

from __future__ import annotations

import pytest

from reading_room.aws.call import Principal
from reading_room.iam.policy.document import PolicyUse, parse
from reading_room.iam.policy.evaluate import AttachedPolicy, PolicyKind, Request, decide
from reading_room.iam.principals import root_principal
from tests.worlds.iam import ACCOUNT, REGION, policy
from tests.worlds.kms import OTHER_ACCOUNT, key_policy, lets, user_arn

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"
ANN = Principal("user", ACCOUNT, user_arn("ann"), "AIDA" + "A" * 17, user_name="ann")
ZOE = Principal("user", OTHER_ACCOUNT, user_arn("zoe", OTHER_ACCOUNT), "AIDA" + "Z" * 17, user_name="zoe")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Reader"
SESSION = Principal(
    "session", ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/s", f"AROA{'R' * 17}:s", role_arn=ROLE
)
SERVICE = Principal("service", "", "logs.amazonaws.com", "logs.amazonaws.com", service_name="logs.amazonaws.com")
ALL, NONE = policy(action="kms:*"), policy(action="s3:*")


def by(kind: PolicyKind, text: str, use: PolicyUse = "bucket") -> AttachedPolicy:
    return AttachedPolicy(kind, parse(text, use), "a policy")


def identity(text: str, kind: PolicyKind = "identity") -> AttachedPolicy:
    return by(kind, text, "inline")


def grant(principal: object) -> AttachedPolicy:
    return by("grant", key_policy(lets(principal, "kms:Decrypt"), account=False))


ENABLED, CLOSED = by("key", key_policy()), by("key", key_policy(lets(user_arn("bob"), "kms:*"), account=False))


@pytest.mark.parametrize(
    ("caller", "policies", "reason"),
    [
        (ANN, [ENABLED, identity(ALL)], None),
        (ANN, [ENABLED], "no identity-based policy"),
        (ANN, [CLOSED, identity(ALL)], "no resource-based policy"),
        (ANN, [CLOSED, grant(user_arn("ann"))], None),
        (ANN, [CLOSED, grant(user_arn("bob"))], "no resource-based policy"),
        (ANN, [CLOSED, grant(user_arn("ann")), identity(policy("Deny", "kms:*"))], "an explicit deny in an identity"),
        (ANN, [CLOSED, grant(user_arn("ann")), identity(NONE, "boundary")], None),
        # A grant to an account delegates to its identity policies.
        (ANN, [CLOSED, grant(ACCOUNT)], "no resource-based policy"),
        (ANN, [CLOSED, grant(ACCOUNT), identity(ALL)], None),
        (SESSION, [CLOSED, grant(ROLE)], None),
        (SESSION, [CLOSED, grant(ROLE), identity(NONE, "session")], "no resource-based policy"),
        (SESSION, [CLOSED, grant(SESSION.arn), identity(NONE, "session")], None),
        (ZOE, [ENABLED, identity(ALL)], "no resource-based policy"),
        (ZOE, [CLOSED, grant(ZOE.arn)], None),
        (root_principal(ACCOUNT), [ENABLED], None),
        (root_principal(ACCOUNT), [CLOSED], "no resource-based policy"),
        (root_principal(ACCOUNT), [CLOSED, grant(ACCOUNT)], None),
        (SERVICE, [ENABLED], "no resource-based policy"),
        # What limits everybody limits a grantee, too.
        (ANN, [CLOSED, grant(user_arn("ann")), by("endpoint", key_policy(lets("*", "s3:*"), account=False))], "VPC"),
    ],
)
def test_a_key_policy_must_allow_and_a_grant_suffices(
    caller: Principal, policies: list[AttachedPolicy], reason: str | None
) -> None:
    decision = decide(Request(caller, "kms:Decrypt", (KEY,), ACCOUNT), policies)
    assert decision.allowed is (reason is None)
    assert reason is None or reason in decision.message()
