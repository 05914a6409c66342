"""Resource policies of custom models, which allow others to import them: functions on a database session."""

from __future__ import annotations

import datetime as dt
import json

from sqlalchemy.orm import Session

from reading_room.comprehend.models.errors import InvalidModelPolicy, RevisionMismatch
from reading_room.comprehend.tables import ModelPolicyRow
from reading_room.iam.policy.document import PolicyDocumentError, parse
from reading_room.iam.principals import pin_principals, principal_exists
from reading_room.ids import id_bytes

ACTION = "comprehend:ImportModel"
"""The only action that a model's policy can name."""


def put(session: Session, arn: str, text: str, revision: str | None, now: dt.datetime, member: str) -> str:
    """Set the policy of a model and return its new revision id.

    With ``revision``, the policy must still have that revision. ``member`` is the request's name for ``text``. Raises
    ``RevisionMismatch`` or ``InvalidModelPolicy``.
    """
    row = session.get(ModelPolicyRow, arn)
    _check_revision(row, revision)
    check(session, text, member)
    # Amazon shows policies without white space.
    compact = json.dumps(json.loads(text), separators=(",", ":"))
    pinned, new = pin_principals(session, compact), id_bytes("model-policy", 16).hex()
    if row is None:
        session.add(
            ModelPolicyRow(arn=arn, policy=compact, pinned_policy=pinned, revision=new, created_at=now, modified_at=now)
        )
    else:
        row.policy, row.pinned_policy, row.revision, row.modified_at = compact, pinned, new, now
    return new


def of_model(session: Session, arn: str) -> ModelPolicyRow | None:
    """Return the policy of a model, or ``None`` if it has none."""
    return session.get(ModelPolicyRow, arn)


def delete(session: Session, arn: str, revision: str | None) -> None:
    """Remove the policy of a model, if any. Raises ``RevisionMismatch`` if ``revision`` is given and is not current."""
    row = session.get(ModelPolicyRow, arn)
    _check_revision(row, revision)
    if row is not None:
        session.delete(row)


def _check_revision(row: ModelPolicyRow | None, given: str | None) -> None:
    current = None if row is None else row.revision
    if given is not None and given != current:
        raise RevisionMismatch(given, current)


def check(session: Session, text: str, member: str) -> None:
    """Raise ``InvalidModelPolicy`` for a text that is not a valid policy of a model."""
    try:
        # All resource policies have the same grammar, so parse it as a bucket's.
        policy = parse(text.strip(), "bucket")
    except PolicyDocumentError as error:
        raise InvalidModelPolicy(member, str(error)) from error
    for statement in policy.statements:
        others = [
            text
            for text, action in zip(statement.action_texts, statement.actions, strict=True)
            if not action.matches(ACTION, {}, True)
        ]
        if others or statement.not_action:
            named = others[0] if others else "NotAction"
            raise InvalidModelPolicy(
                member, f"{statement.name} names {named}, but {ACTION} is the only action of a model's policy"
            )
        for arn in sorted(statement.principals.arns if statement.principals else ()):
            if ":assumed-role/" not in arn and not principal_exists(session, arn):
                raise InvalidModelPolicy(member, f"{statement.name} names the principal {arn}, which does not exist")
