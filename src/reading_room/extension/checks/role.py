"""Checks of the data access role: whether the service may assume it, and whether it has the nine EC2 permissions."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from reading_room.aws.call import Call, Principal
from reading_room.aws.operations import OperationTable
from reading_room.comprehend.network.actions import OWN_PATH, SERVICE_PRINCIPAL, refused_actions
from reading_room.comprehend.network.failures import EC2_ACTIONS, missing_permission, role_not_assumable
from reading_room.comprehend.network.job_interfaces import SESSION_NAME
from reading_room.comprehend.vpc_tag import known_network
from reading_room.extension.checks import changes, commands
from reading_room.extension.checks.check import Check, failed, passed
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.errors import RoleNotAssumable
from reading_room.iam.organization import Organization
from reading_room.iam.role_sessions import role_by_arn, role_for_service, unissued
from reading_room.ids import request_id


def assumable(
    session: Session,
    role_arn: str,
    account: str,
    source_arn: str,
    now: dt.datetime,
    organization: Organization | None = None,
) -> tuple[Check, Principal | None]:
    """Check whether the service may assume a role for a job, and return the session's principal."""
    try:
        role = role_for_service(
            session, role_arn, SERVICE_PRINCIPAL, SESSION_NAME, now, source_arn, account, organization
        )
    except RoleNotAssumable as error:
        message = role_not_assumable(str(error)).text
        if role_by_arn(session, role_arn) is None:
            remedy = f"Create the role, with a trust policy for {SERVICE_PRINCIPAL}."
            made = changes.create_role(role_arn, account)
            return failed(message, remedy, commands.create_role(role_arn, account), role_arn, [made]), None
        remedy = (
            f"Let its trust policy allow sts:AssumeRole for {SERVICE_PRINCIPAL}, with aws:SourceAccount {account}. "
            "The command replaces the whole trust policy."
        )
        trusted = changes.trust_service(role_arn, account)
        return failed(message, remedy, commands.trust_service(role_arn, account), role_arn, [trusted]), None
    message = f"{SERVICE_PRINCIPAL} may assume {role_arn} for jobs of {account}."
    return passed(message, role_arn), unissued(role, SESSION_NAME, now)


def network_actions(
    table: OperationTable,
    authorizer: PolicyAuthorizer,
    checked: Call,
    role: Principal,
    subnet_id: str,
    now: dt.datetime,
) -> Check:
    """Check whether a role has the EC2 permissions that a job in a VPC needs."""
    role_arn = str(role.role_arn)
    creation = Call(
        service="ec2",
        operation="CreateNetworkInterface",
        parameters={
            "SubnetId": subnet_id,
            "Groups": list(known_network(checked.operation, checked.parameters)["SecurityGroupIds"]),
            "Description": "Amazon Comprehend job",
        },
        principal=role,
        account=checked.account,
        region=checked.region,
        path=OWN_PATH,
        request_id=request_id(),
        user_agent=SERVICE_PRINCIPAL,
    )
    refused = list(refused_actions(table, authorizer, creation, now))
    if not refused:
        return passed(f"{role_arn} has the {len(EC2_ACTIONS)} EC2 permissions that a job in a VPC needs.", role_arn)
    actions = list(dict.fromkeys(decision.action for decision in refused))
    message = missing_permission(role_arn, ", ".join(actions), refused[0].message()).text
    remedy = f"Add a policy to the role that allows {', '.join(actions)}, and remove any policy that denies it."
    command = commands.allow_role(role_arn, [f"ec2:{each}" for each in EC2_ACTIONS], ["*"], "reading-room-network")
    # If a statement denies it, adding one that allows it has no effect.
    denied = any(decision.outcome == "explicitDeny" for decision in refused)
    allowed = changes.allow_role(role_arn, [f"ec2:{each}" for each in EC2_ACTIONS], ["*"], "reading-room-network")
    return failed(message, remedy, command, role_arn, [] if denied else [allowed])
