"""What an access control list allows, compared with a plain description, on random lists and callers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reading_room.aws.call import ANONYMOUS, Principal
from reading_room.iam.authorizer import principal_context
from reading_room.iam.identities import attached
from reading_room.iam.policy.evaluate import AttachedPolicy, Decision, Request, decide
from reading_room.s3.access_list_decisions import list_decision
from reading_room.s3.access_lists import (
    ALL_USERS,
    AUTHENTICATED_USERS,
    LOG_DELIVERY,
    LOG_DELIVERY_SERVICE,
    PERMISSIONS,
    PUBLIC,
    Grant,
    Grants,
    as_policy,
    canned,
    canonical_id,
    effective,
    loaded,
    private,
    stored,
)
from reading_room.s3.actions import Requirement
from reading_room.s3.backend import BucketFacts
from reading_room.s3.object_access import ObjectAccess, access_in, access_of, with_access, without_access
from tests.worlds.s3 import policy, statement

OWNER, WRITER, STRANGER = "111111111111", "222222222222", "333333333333"
ACCOUNTS = (OWNER, WRITER, STRANGER)
BUCKET, KEY = "lists", "a key/with *"
ARN = f"arn:aws:s3:::{BUCKET}"
ACTIONS = {
    "s3:ListBucket": ("READ", "bucket"),
    "s3:PutObject": ("WRITE", "bucket"),
    "s3:GetBucketAcl": ("READ_ACP", "bucket"),
    "s3:PutBucketAcl": ("WRITE_ACP", "bucket"),
    "s3:GetObject": ("READ", "object"),
    "s3:GetObjectAcl": ("READ_ACP", "object"),
    "s3:PutObjectAcl": ("WRITE_ACP", "object"),
    "s3:GetObjectTagging": (None, "object"),
    "s3:GetBucketPolicy": (None, "bucket"),
}
"""Actions, each with the permission of a list that allows it, and what it is about."""
MAY_DO_ALL = attached("identity", "inline", "'own'", policy(statement("Allow", "s3:*", "*")))

grantees = st.sampled_from([ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY, *map(canonical_id, ACCOUNTS)])
lists = st.lists(st.builds(Grant, grantees, st.sampled_from(PERMISSIONS)), max_size=4).map(tuple)
callers = st.sampled_from([*ACCOUNTS, "anonymous", "service"])
switches = st.fixed_dictionaries({"IgnorePublicAcls": st.booleans()})


def caller_of(who: str) -> Principal:
    """Return a user of an account, an anonymous caller, or the service that delivers logs."""
    if who == "anonymous":
        return ANONYMOUS
    if who == "service":
        name = LOG_DELIVERY_SERVICE
        return Principal(kind="service", account=name, arn=name, user_id=name, service_name=name)
    return Principal(kind="user", account=who, arn=f"arn:aws:iam::{who}:user/u", user_id="AIDAU", user_name="u")


def granted(grants: Grants, who: str, permission: str | None) -> bool:
    """Say whether a list grants a caller a permission: the plain description."""
    everybody = {ALL_USERS}
    named = {
        "anonymous": everybody,
        "service": everybody | {LOG_DELIVERY},
    }.get(who, everybody | {AUTHENTICATED_USERS, canonical_id(who)})
    return any(
        grant.grantee in named and permission is not None and grant.permission in ("FULL_CONTROL", permission)
        for grant in grants
    )


def decided(
    action: str, who: str, facts: BucketFacts, access: ObjectAccess | None, own: tuple[AttachedPolicy, ...] = ()
) -> Decision:
    """Decide an action on the bucket or its object."""
    caller = caller_of(who)
    resource = ARN if ACTIONS[action][1] == "bucket" and action != "s3:PutObject" else f"{ARN}/{KEY}"
    found = list_decision(Requirement(action, resource, BUCKET), facts, caller, lambda key: access)
    policies = [*own, *([] if found.access_list is None else [found.access_list])]
    return decide(Request(caller, action, (resource,), OWNER, principal_context(caller), found.owner), policies)


def facts_of(grants: Grants, blocks: dict[str, bool] | None = None) -> BucketFacts:
    """Return the facts of a bucket with a list."""
    return BucketFacts(BUCKET, OWNER, "r", public_access_block=blocks, has_lists=True, grants=stored(grants))


@given(lists, lists, st.sampled_from(ACCOUNTS), callers, st.sampled_from(sorted(ACTIONS)), switches)
def test_a_list_allows_what_it_grants_and_nothing_else(
    of_bucket: Grants, of_object: Grants, owner: str, who: str, action: str, blocks: dict[str, bool]
) -> None:
    permission, target = ACTIONS[action]
    access = access_of(owner, of_object, OWNER)
    decision = decided(action, who, facts_of(of_bucket, blocks), access, (MAY_DO_ALL,) if who in ACCOUNTS else ())
    counted = [
        grant
        for grant in (of_bucket if target == "bucket" else of_object)
        if not (blocks["IgnorePublicAcls"] and grant.grantee in PUBLIC)
    ]
    decides = OWNER if target == "bucket" else owner
    assert decision.allowed == (who == decides or granted(tuple(counted), who, permission))


@given(lists, callers, st.sampled_from(sorted(ACTIONS)))
def test_a_caller_with_an_account_needs_its_permission_too_unless_everybody_of_the_owners_account_has_access(
    grants: Grants, who: str, action: str
) -> None:
    decision = decided(action, who, facts_of(grants), access_of(OWNER, grants, OWNER))
    if who in (WRITER, STRANGER):
        assert not decision.allowed
    elif who == OWNER:
        public = tuple(grant for grant in grants if grant.grantee in PUBLIC)
        assert decision.allowed == granted(public, who, ACTIONS[action][0])


@given(lists, callers)
def test_only_its_owner_deletes_an_object_with_permission_to_write(grants: Grants, who: str) -> None:
    caller = caller_of(who)
    for owner in (WRITER, OWNER):
        found = list_decision(
            Requirement("s3:DeleteObject", f"{ARN}/{KEY}", BUCKET),
            facts_of(grants),
            caller,
            lambda key, owner=owner: access_of(owner, None, OWNER),  # type: ignore[misc]
        )
        policies = [MAY_DO_ALL] if who in ACCOUNTS else []
        policies += [] if found.access_list is None else [found.access_list]
        request = Request(caller, "s3:DeleteObject", (f"{ARN}/{KEY}",), OWNER, principal_context(caller), found.owner)
        writes = granted(grants, who, "WRITE") and owner == who
        assert decide(request, policies).allowed == (who == OWNER or writes)


@given(lists, st.sampled_from(ACCOUNTS))
def test_owner_and_grants_are_stored_among_the_headers_and_found_again(grants: Grants, owner: str) -> None:
    headers = {"content-type": "a/b"}
    access = access_of(owner, grants, OWNER)
    kept = with_access(headers, access)
    assert access_in(kept) == access
    assert (access.owner_in(OWNER), access.grants_in(OWNER)) == (owner, grants)
    assert without_access(kept) == headers
    assert loaded(stored(grants)) == grants


def test_objects_of_the_buckets_owner_with_a_private_list_have_no_entry() -> None:
    assert with_access({"content-type": "a/b"}, access_of(OWNER, private(OWNER), OWNER)) == {"content-type": "a/b"}


def test_canned_lists_begin_with_full_control_for_the_owner() -> None:
    full = Grant(canonical_id(WRITER), "FULL_CONTROL")
    assert canned("private", "object", WRITER, OWNER) == (full,)
    assert canned("public-read", "bucket", WRITER, OWNER) == (full, Grant(ALL_USERS, "READ"))
    assert canned("bucket-owner-read", "object", WRITER, OWNER) == (full, Grant(canonical_id(OWNER), "READ"))
    assert canned("bucket-owner-full-control", "object", OWNER, OWNER) == private(OWNER)
    assert canned("bucket-owner-read", "bucket", OWNER, OWNER) is None
    assert canned("log-delivery-write", "object", OWNER, OWNER) is None
    assert canned("log-delivery-write", "bucket", OWNER, OWNER) == (
        *private(OWNER),
        Grant(LOG_DELIVERY, "WRITE"),
        Grant(LOG_DELIVERY, "READ_ACP"),
    )


def test_a_list_without_a_grant_that_counts_is_no_policy() -> None:
    ignoring = {"IgnorePublicAcls": True}
    assert as_policy(effective((Grant(ALL_USERS, "READ"),), ignoring), "object", BUCKET, "of it") is None
