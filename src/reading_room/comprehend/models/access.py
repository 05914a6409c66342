"""Authorizing ImportModel, with the caller's policies and the policy of the source model in one decision."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from reading_room.arns import Arn
from reading_room.aws.call import Call
from reading_room.comprehend.models import policies
from reading_room.comprehend.models.errors import ResourceNotFoundException
from reading_room.comprehend.models.models import Model, find
from reading_room.iam.authorizer import PolicyAuthorizer, request_context
from reading_room.iam.errors import AccessDeniedException


def check_import(session: Session, authorizer: PolicyAuthorizer, call: Call, arn: str, now: dt.datetime) -> Model:
    """Return the model that a caller wants to import.

    The caller's own policies have already been checked. A model of another account also needs a policy that allows the
    caller; without one the model is not found, as if it did not exist. Raises ``ResourceNotFoundException``, and
    ``AccessDeniedException`` if the policy of a model of the caller's own account denies it.
    """
    source = find(session, Arn.parse(arn).account, arn)
    own = source.row.account == call.account
    policy = policies.of_model(session, arn)
    if policy is None:
        if not own:
            raise ResourceNotFoundException
        return source
    context = request_context(
        call.path, principal=call.principal, now=now, region=call.region, user_agent=call.user_agent
    )
    decision = authorizer.decide(
        principal=call.principal,
        action=policies.ACTION,
        resource=arn,
        context=context,
        resource_policy=policy.pinned_policy,
        resource_account=source.row.account,
    )
    if not decision.allowed:
        raise AccessDeniedException(decision.message()) if own else ResourceNotFoundException()
    return source
