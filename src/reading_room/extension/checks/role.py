"""The data access role: whether the service may assume it, and whether it may do the nine EC2 actions."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from reading_room.aws.call import Call, Principal
from reading_room.aws.operations import OperationTable
from reading_room.comprehend.network.actions import OWN_PATH, SERVICE_PRINCIPAL, refused_actions
from reading_room.comprehend.network.failures import EC2_ACTIONS, missing_permission, role_not_assumable
from reading_room.comprehend.network.job_interfaces import SESSION_NAME
from reading_room.extension.checks import changes, commands
from reading_room.extension.checks.check import Check, failed, passed
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.errors import RoleNotAssumable
from reading_room.iam.role_sessions import role_by_arn, role_for_service, unissued
from reading_room.ids import request_id


def assumable(
    session: Session, role_arn: str, account: str, source_arn: str, now: dt.datetime
) -> tuple[Check, Principal | None]:
    """Check whether the service may assume a role for a job, and return whom it would be then."""
    try:
        role = role_for_service(session, role_arn, SERVICE_PRINCIPAL, SESSION_NAME, now, source_arn, account)
    except RoleNotAssumable as error:
        message = role_not_assumable(str(error)).text
        if role_by_arn(session, role_arn) is None:
            remedy = f"Make the role, and have it trust {SERVICE_PRINCIPAL}."
            made = changes.make_role(role_arn, account)
            return failed(message, remedy, commands.make_role(role_arn, account), role_arn, [made]), None
        remedy = (
            f"Have its trust policy allow sts:AssumeRole to {SERVICE_PRINCIPAL}, with aws:SourceAccount {account}. "
            "The command replaces the whole trust policy."
        )
        trusted = changes.trust_service(role_arn, account)
        return failed(message, remedy, commands.trust_service(role_arn, account), role_arn, [trusted]), None
    message = f"{SERVICE_PRINCIPAL} may assume {role_arn} for jobs of {account}."
    return passed(message, role_arn), unissued(role, SESSION_NAME, now)


def network_actions(
    table: OperationTable,
    authorizer: PolicyAuthorizer,
    asked: Call,
    role: Principal,
    subnet_id: str,
    now: dt.datetime,
) -> Check:
    """Check whether a role may do what a job in a VPC needs of EC2."""
    role_arn = str(role.role_arn)
    creation = Call(
        service="ec2",
        operation="CreateNetworkInterface",
        parameters={
            "SubnetId": subnet_id,
            "Groups": list(asked.parameters["VpcConfig"]["SecurityGroupIds"]),
            "Description": "Amazon Comprehend job",
        },
        principal=role,
        account=asked.account,
        region=asked.region,
        path=OWN_PATH,
        request_id=request_id(),
        user_agent=SERVICE_PRINCIPAL,
    )
    refused = list(refused_actions(table, authorizer, creation, now))
    if not refused:
        return passed(f"{role_arn} may do the {len(EC2_ACTIONS)} actions of EC2 that a job in a VPC needs.", role_arn)
    actions = list(dict.fromkeys(decision.action for decision in refused))
    message = missing_permission(role_arn, ", ".join(actions), refused[0].message()).text
    remedy = f"Have a policy of the role allow {', '.join(actions)}, and no policy deny it."
    command = commands.allow_role(role_arn, [f"ec2:{each}" for each in EC2_ACTIONS], ["*"], "reading-room-network")
    # Where a statement denies it, one that allows it adds nothing.
    denied = any(decision.outcome == "explicitDeny" for decision in refused)
    allowed = changes.allow_role(role_arn, [f"ec2:{each}" for each in EC2_ACTIONS], ["*"], "reading-room-network")
    return failed(message, remedy, command, role_arn, [] if denied else [allowed])
