"""Output structures of AWS Organizations, made from rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from reading_room.organizations import attachments, invitations, members, units
from reading_room.organizations.arns import Arns
from reading_room.organizations.kinds import AwsPolicy
from reading_room.organizations.policies import AnyPolicy
from reading_room.organizations.tables import Creation, Invitation, Member, Organization, Unit

ROOT_NAME = "Root"


def organization_structure(session: Session, found: Organization) -> dict[str, Any]:
    """Return an Organization."""
    arns = Arns.of(found)
    kinds = [{"Type": kind, "Status": "ENABLED"} for kind in attachments.enabled(found)]
    return {
        "Id": found.organization_id,
        "Arn": arns.organization(),
        "FeatureSet": "ALL",
        "MasterAccountArn": arns.account(found.account),
        "MasterAccountId": found.account,
        "MasterAccountEmail": members.get(session, found.account).email,
        "AvailablePolicyTypes": kinds,
    }


def root_structure(found: Organization) -> dict[str, Any]:
    """Return a Root."""
    kinds = [{"Type": kind, "Status": "ENABLED"} for kind in attachments.enabled(found)]
    arn = Arns.of(found).root(found.root_id)
    return {"Id": found.root_id, "Arn": arn, "Name": ROOT_NAME, "PolicyTypes": kinds}


def unit_structure(session: Session, found: Organization, row: Unit) -> dict[str, Any]:
    """Return an OrganizationalUnit."""
    path = units.text_of(found, units.path_of(found, units.parents(session), row.unit_id))
    return {"Id": row.unit_id, "Arn": Arns.of(found).unit(row.unit_id), "Name": row.name, "Path": path}


def account_structure(session: Session, found: Organization, row: Member) -> dict[str, Any]:
    """Return an Account."""
    return {
        "Id": row.account,
        "Arn": Arns.of(found).account(row.account),
        "Email": row.email,
        "Name": row.name,
        "Status": "ACTIVE",
        "State": "ACTIVE",
        "Paths": [members.path(session, found, row)],
        "JoinedMethod": "INVITED" if row.invited else "CREATED",
        "JoinedTimestamp": row.joined_at,
    }


def creation_structure(row: Creation) -> dict[str, Any]:
    """Return a CreateAccountStatus. An account is created by the call that requests it, so none is in progress."""
    return {
        "Id": row.creation_id,
        "AccountName": row.name,
        "State": "FAILED" if row.created is None else "SUCCEEDED",
        "RequestedTimestamp": row.requested_at,
        "CompletedTimestamp": row.requested_at,
        "AccountId": row.created,
        "FailureReason": row.failure,
    }


def policy_summary(arns: Arns, policy: AnyPolicy) -> dict[str, Any]:
    """Return a PolicySummary."""
    return {
        "Id": policy.policy_id,
        "Arn": arns.policy(policy.kind, policy.policy_id),
        "Name": policy.name,
        "Description": policy.description,
        "Type": policy.kind,
        "AwsManaged": isinstance(policy, AwsPolicy),
    }


def policy_structure(arns: Arns, policy: AnyPolicy) -> dict[str, Any]:
    """Return a Policy."""
    return {"PolicySummary": policy_summary(arns, policy), "Content": policy.content}


def target_structure(session: Session, found: Organization, target_id: str) -> dict[str, Any]:
    """Return a PolicyTargetSummary."""
    if target_id == found.root_id:
        name, kind = ROOT_NAME, "ROOT"
    elif (unit := session.get(Unit, target_id)) is not None:
        name, kind = unit.name, "ORGANIZATIONAL_UNIT"
    else:
        name, kind = members.get(session, target_id).name, "ACCOUNT"
    return {"TargetId": target_id, "Arn": Arns.of(found).target(target_id), "Name": name, "Type": kind}


def handshake_structure(session: Session, found: Organization, row: Invitation, now: dt.datetime) -> dict[str, Any]:
    """Return a Handshake."""
    manager = members.get(session, found.account)
    of_organization = [
        {"Type": "MASTER_EMAIL", "Value": manager.email},
        {"Type": "MASTER_NAME", "Value": manager.name},
        {"Type": "ORGANIZATION_FEATURE_SET", "Value": "ALL"},
    ]
    resources: list[dict[str, Any]] = [
        {"Type": "ORGANIZATION", "Value": found.organization_id, "Resources": of_organization},
        {"Type": "ACCOUNT", "Value": row.account},
    ]
    if row.notes:
        resources.append({"Type": "NOTES", "Value": row.notes})
    return {
        "Id": row.handshake_id,
        "Arn": Arns.of(found).handshake(row.handshake_id),
        "Parties": [
            {"Id": found.organization_id.removeprefix("o-"), "Type": "ORGANIZATION"},
            {"Id": row.account, "Type": "ACCOUNT"},
        ],
        "State": invitations.state_of(row, now),
        "RequestedTimestamp": row.requested_at,
        "ExpirationTimestamp": row.expires_at,
        "Action": "INVITE",
        "Resources": resources,
    }
