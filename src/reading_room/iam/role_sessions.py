"""Role sessions: who can get one, and its temporary credentials.

Sessions are rows, so they survive a restart. Deleting a role deletes its sessions.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence

from sqlalchemy import delete
from sqlalchemy.orm import Session

from reading_room.arns import Arn
from reading_room.aws.call import Principal
from reading_room.aws.operations import ContextValues
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam.authorizer import principal_context
from reading_room.iam.errors import RoleNotAssumable
from reading_room.iam.identities import attached
from reading_room.iam.organization import (
    Organization,
    Organizations,
    guards_of,
    no_organization,
    organization_keys,
)
from reading_room.iam.policy.document import Policy
from reading_room.iam.policy.evaluate import AttachedPolicy, Decision, Request, decide
from reading_room.iam.principals import entity_named, service_principal, session_principal
from reading_room.iam.tables import Role, RoleSession
from reading_room.iam.tags import tags_of
from reading_room.iam.temporary_keys import SessionAttributes, SessionCredentials, store

SERVICE_SESSION_SECONDS = 3600
"""Lifetime of the credentials that a service gets for a role. SDKs refresh them 15 minutes before they expire."""
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)


def role_by_arn(session: Session, role_arn: str) -> Role | None:
    """Return the role with this ARN, path included, or ``None``."""
    role = entity_named(session, role_arn)
    return role if isinstance(role, Role) and role.arn == role_arn else None


def decide_trust(
    role: Role,
    principal: Principal,
    context: ContextValues,
    identity: Sequence[AttachedPolicy] = (),
    action: str = "sts:AssumeRole",
    organization: Organization | None = None,
) -> Decision:
    """Decide whether a caller can assume a role, which its trust policy must allow explicitly.

    ``identity`` holds the caller's own policies, which must also allow it unless the trust policy names the caller
    itself. The resource control policies of the ``organization`` must allow it too.
    """
    tags = {f"aws:ResourceTag/{tag['Key']}": (tag["Value"],) for tag in tags_of(role.tags)}
    full = {**tags, **context, **principal_context(principal), "aws:ResourceAccount": (role.account,)}
    policies = [trust_policy(role), *identity]
    if organization is not None:
        full |= organization_keys(organization, principal, full)
        policies.extend(guards_of(organization, action, role.account))
    return decide(Request(principal, action, (role.arn,), role.account, full), policies)


def decide_without_role(
    role_arn: str, principal: Principal, context: ContextValues, identity: Sequence[AttachedPolicy]
) -> Decision:
    """Return the denial for assuming a role that does not exist."""
    trust = AttachedPolicy("trust", Policy("2012-10-17", ()), f"of {role_arn}, which does not exist")
    full = {**context, **principal_context(principal)}
    account = Arn.parse(role_arn).account
    return decide(Request(principal, "sts:AssumeRole", (role_arn,), account, full), [trust, *identity])


def trust_policy(role: Role) -> AttachedPolicy:
    """Return a role's trust policy for a decision."""
    return attached("trust", "trust", f"of {role.arn}", role.pinned_trust_policy)


def issue(
    session: Session,
    role: Role,
    *,
    session_name: str,
    seconds: int,
    now: dt.datetime,
    attributes: SessionAttributes = SessionAttributes(),
    source_identity: str | None = None,
    token_size: int = 0,
    bound_to: str | None = None,
) -> tuple[Principal, SessionCredentials]:
    """Create a session of a role without authorization; ``bound_to`` is the only job that can use it (``bonds``)."""
    row = RoleSession(
        role_id=role.unique_id,
        role_arn=role.arn,
        account=role.account,
        session_name=session_name,
        transitive_tag_keys=json.dumps(attributes.transitive_tag_keys),
        source_identity=source_identity,
    )
    credentials = store(session, row, attributes, seconds=seconds, now=now, token_size=token_size, bound_to=bound_to)
    return session_principal(row), credentials


def assume_for_service(
    database: Database,
    role_arn: str,
    service: str,
    session_name: str,
    clock: Clock,
    source_arn: str | None = None,
    source_account: str | None = None,
    policy: str | None = None,
    bound_to: str | None = None,
    organization: Organizations = no_organization,
) -> tuple[Principal, SessionCredentials]:
    """Assume a role as a service, for example ``comprehend.amazonaws.com``, on behalf of a resource.

    ``source_arn`` and ``source_account`` become ``aws:SourceArn`` and ``aws:SourceAccount``, with which trust policies
    let a service act for a single resource or account only. ``policy`` is a session policy as JSON text, and
    ``bound_to`` is the only job that can use the session. The policies of the ``organization`` bind services too.
    Raises ``RoleNotAssumable`` with the reason.
    """
    if not _SESSION_NAME.fullmatch(session_name):
        raise ValueError(f"not a session name: {session_name!r}")
    now = clock()
    # Read before the transaction: reading the organization uses its own database session.
    current = organization()
    with database.transaction() as session:
        role = role_for_service(session, role_arn, service, session_name, now, source_arn, source_account, current)
        return issue(
            session,
            role,
            session_name=session_name,
            seconds=SERVICE_SESSION_SECONDS,
            now=now,
            attributes=SessionAttributes(policy),
            bound_to=bound_to,
        )


def role_for_service(
    session: Session,
    role_arn: str,
    service: str,
    session_name: str,
    now: dt.datetime,
    source_arn: str | None = None,
    source_account: str | None = None,
    organization: Organization | None = None,
) -> Role:
    """Return the role that a service may assume on behalf of a resource. Raises ``RoleNotAssumable``."""
    context: dict[str, Sequence[str]] = {
        "aws:SecureTransport": ("true",),
        "aws:CurrentTime": (now.strftime("%Y-%m-%dT%H:%M:%SZ"),),
        "aws:EpochTime": (str(int(now.timestamp())),),
        "sts:RoleSessionName": (session_name,),
    }
    if source_arn is not None:
        context["aws:SourceArn"] = (source_arn,)
    if source_account is not None:
        context["aws:SourceAccount"] = (source_account,)
    role = role_by_arn(session, role_arn)
    if role is None:
        raise RoleNotAssumable(role_arn, "the role does not exist")
    caller = service_principal(service)
    decision = decide_trust(role, caller, context, organization=organization)
    if not decision.allowed:
        raise RoleNotAssumable(role_arn, _obstacle(role, caller, context, decision))
    return role


def unissued(role: Role, session_name: str, now: dt.datetime) -> Principal:
    """Return the principal of a hypothetical session of a role, for decisions; it has no credentials."""
    row = RoleSession(
        role_id=role.unique_id,
        role_arn=role.arn,
        account=role.account,
        session_name=session_name,
        transitive_tag_keys="[]",
        policy=None,
        policy_arns="[]",
        tags="[]",
        session_token="",
        issued_at=now,
        source_identity=None,
    )
    return session_principal(row)


def revoke(session: Session, role_arn: str, session_name: str) -> None:
    """End every session of a role with this name, so that its credentials stop working."""
    session.execute(
        delete(RoleSession).where(RoleSession.role_arn == role_arn, RoleSession.session_name == session_name)
    )


def _obstacle(role: Role, caller: Principal, context: ContextValues, decision: Decision) -> str:
    """Return which statement of the trust policy denies, or which comes closest to allowing and why it fails."""
    reason = decision.because[0]
    if reason.statement is not None and reason.kind != "trust":
        return f"{reason} denies sts:AssumeRole to {caller.service_name}"
    if decision.outcome == "explicitDeny":
        return f"{reason.statement} of its trust policy denies sts:AssumeRole to {caller.service_name}"
    keys: Mapping[str, Sequence[str]] = {
        key.lower(): tuple(values) for key, values in {**context, **principal_context(caller)}.items()
    }
    for statement in trust_policy(role).policy.statements:
        if statement.effect != "Allow" or statement.principals is None:
            continue
        if statement.principals.grant_to(caller) is None:
            continue
        failed = [condition for condition in statement.conditions if not condition.holds(keys)]
        if failed:
            tested = ", ".join(f"{condition.operator} on {condition.key}" for condition in failed)
            return (
                f"{statement.name} of its trust policy names {caller.service_name}, but its condition fails: {tested}"
            )
    return f"no statement of its trust policy lets {caller.service_name} call sts:AssumeRole"
