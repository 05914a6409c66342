"""EndSession: ends the credentials of a sign-in, at once and permanently, and no others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from reading_room.iam.tables import SignIn
from reading_room.trail.chain import event_in, files_of
from tests.worlds.extension import ACCOUNT, ExtensionWorld, allow, deny, keys_of, policy, refusal, trust
from tests.worlds.extension_sign_in import signed_in, token_of, unsigned

pytestmark = pytest.mark.costs(0.25, reason="the whole product is made, with a network, a bucket and a role")

ENDED = {
    "reading-room": ("end_session", "ExpiredTokenException"),
    "comprehend": ("list_entities_detection_jobs", "ExpiredTokenException"),
    "sts": ("get_caller_identity", "ExpiredToken"),
    "iam": ("list_roles", "ExpiredToken"),
    "ec2": ("describe_vpcs", "RequestExpired"),
    "s3": ("list_buckets", "ExpiredToken"),
}


def guest(world: ExtensionWorld, **options: Any) -> dict[str, Any]:
    """Assume a role with all permissions, and return its credentials."""
    iam = world.client("iam")
    iam.create_role(RoleName="Guest", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    iam.put_role_policy(RoleName="Guest", PolicyName="only", PolicyDocument=policy(allow("*")))
    arn = f"arn:aws:iam::{ACCOUNT}:role/Guest"
    return dict(world.client("sts").assume_role(RoleArn=arn, RoleSessionName="ann", **options)["Credentials"])


def answers(world: ExtensionWorld, key: dict[str, str]) -> bool:
    """Return whether a key is valid."""
    return bool(world.client("sts", key).get_caller_identity()["Arn"])


def test_every_service_refuses_an_ended_session_as_expired(world: ExtensionWorld) -> None:
    key, _ = signed_in(world)
    # It must be removed from the caches.
    assert answers(world, key)
    world.room(key).end_session()
    answer = {name: refusal(getattr(world.client(name, key), operation)) for name, (operation, _) in ENDED.items()}
    assert {name: code for name, (code, _) in answer.items()} == {name: code for name, (_, code) in ENDED.items()}


def test_setting_the_clock_back_does_not_revive_an_ended_session(world: ExtensionWorld) -> None:
    world.later(600)
    key, _ = signed_in(world)
    world.later(300)
    world.room(key).end_session()
    world.later(-200)
    assert refusal(world.client("sts", key).get_caller_identity)[0] == "ExpiredToken"


def test_only_the_callers_own_session_is_ended(world: ExtensionWorld) -> None:
    first, _ = signed_in(world)
    second, _ = signed_in(world)
    from_first, _ = signed_in(world, first)
    role = guest(world)
    assumed = world.client("sts", first).assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/Guest", RoleSessionName="mine"
    )
    world.room(first).end_session()
    for key in (second, from_first, keys_of(role), keys_of(assumed["Credentials"]), world.administrator):
        assert answers(world, key)


def test_an_open_token_of_an_ended_session_cannot_be_redeemed(world: ExtensionWorld) -> None:
    key, _ = signed_in(world)
    token = token_of(world, key)
    world.room(key).end_session()
    assert refusal(unsigned(world).redeem_sign_in_token, Token=token)[0] == "InvalidSignInTokenException"


@pytest.mark.parametrize("kind", ["role", "user", "federated user"])
def test_ending_a_session_keeps_the_temporary_credentials_behind_it(world: ExtensionWorld, kind: str) -> None:
    sts = world.client("sts")
    if kind == "role":
        source = keys_of(guest(world))
    elif kind == "user":
        source = keys_of(sts.get_session_token()["Credentials"])
    else:
        given = sts.get_federation_token(Name="eve", Policy=policy(allow("reading-room:*", "sts:*")))
        source = keys_of(given["Credentials"])
    key, _ = signed_in(world, source)
    assert answers(world, key)
    world.room(key).end_session()
    assert refusal(world.client("sts", key).get_caller_identity)[0] == "ExpiredToken"
    assert answers(world, source)
    assert refusal(world.room(source).end_session)[0] == "InvalidSessionException"


def test_credentials_without_a_token_cannot_be_ended(world: ExtensionWorld) -> None:
    sts = world.client("sts")
    others = {
        f"arn:aws:iam::{ACCOUNT}:user/boss": world.administrator,
        f"arn:aws:sts::{ACCOUNT}:assumed-role/Guest/ann": keys_of(guest(world)),
        f"arn:aws:sts::{ACCOUNT}:federated-user/eve": keys_of(
            sts.get_federation_token(Name="eve", Policy=policy(allow("*")))["Credentials"]
        ),
    }
    for arn, key in others.items():
        code, message = refusal(world.room(key).end_session)
        assert code == "InvalidSessionException"
        assert arn in message
        assert "iam:UpdateAccessKey" in message
        assert answers(world, key)
    assert refusal(world.room(keys_of(sts.get_session_token()["Credentials"])).end_session)[0] == (
        "InvalidSessionException"
    )


def test_no_policy_is_needed_and_none_can_prevent_signing_out(world: ExtensionWorld) -> None:
    leaver = world.user("leaver", allow("reading-room:CreateSignInToken"))
    key, _ = signed_in(world, leaver)
    world.client("iam").put_user_policy(
        UserName="leaver", PolicyName="only", PolicyDocument=policy(deny("*", Sid="Nothing"))
    )
    world.room(key).end_session()
    assert refusal(world.client("sts", key).get_caller_identity)[0] == "ExpiredToken"


def test_the_call_must_be_signed_by_the_session_itself(world: ExtensionWorld) -> None:
    key, _ = signed_in(world)
    assert refusal(unsigned(world).end_session)[0] == "MissingAuthenticationTokenException"
    assert refusal(world.room({**key, "secret_access_key": "wrong"}).end_session)[0] == "InvalidSignatureException"
    assert refusal(world.room({**key, "session_token": "wrong"}).end_session)[0] == "UnrecognizedClientException"
    assert answers(world, key)


def test_signing_out_is_in_the_trail(world: ExtensionWorld) -> None:
    key, _ = signed_in(world)
    world.room(key).end_session()
    refusal(world.room().end_session)
    trail = world.product.access.trail
    assert trail.flush()
    events = [
        event
        for _, path in files_of(trail.folder, "management")
        for line in path.read_bytes().splitlines()
        if (event := event_in(line)) is not None and event["eventName"] == "EndSession"
    ]
    well, badly = events
    assert well["eventSource"] == "reading-room.amazonaws.com"
    assert well["userIdentity"]["accessKeyId"] == key["access_key_id"]
    assert (well["recipientAccountId"], well["readOnly"], well["managementEvent"]) == (ACCOUNT, False, True)
    assert "errorCode" not in well
    assert badly["errorCode"] == "InvalidSessionException"
    assert key["session_token"] not in json.dumps(events)
    looked = world.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "EndSession"}]
    )
    assert len(looked["Events"]) == 2


def test_rows_of_expired_sign_ins_are_deleted(world: ExtensionWorld) -> None:
    short = keys_of(guest(world, DurationSeconds=900))
    ended, _ = signed_in(world, short)
    signed_in(world, short)
    world.room(ended).end_session()
    world.later(900)
    key, _ = signed_in(world)
    with world.database.reading() as session:
        assert session.scalars(select(SignIn.access_key_id)).all() == [key["access_key_id"]]
