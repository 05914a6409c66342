"""Aliases of model versions: a tag names a version, and stands in an ARN where the version would.

AWS has no such thing. The ARN of a version that exists always means that version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.comprehend.errors import AliasAmbiguous, AliasTagInvalid
from reading_room.comprehend.tables import ModelRow
from reading_room.jobs.tables import JobTagRow

ALIAS_TAG = "reading-room:alias"
"""The tag whose value is the alias of a version."""
_PART = "/version/"
_ALIAS = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*")
_LONGEST = 63


def check_alias(tags: Mapping[str, str]) -> None:
    """Raise ``AliasTagInvalid`` unless the alias among tags, if any, could be the name of a version."""
    alias = tags.get(ALIAS_TAG)
    if alias is not None and (len(alias) > _LONGEST or not _ALIAS.fullmatch(alias)):
        raise AliasTagInvalid(ALIAS_TAG, alias)


def resolved(session: Session, account: str, arn: str) -> str:
    """Return the ARN of the account's version that an ARN names by its alias, or the same ARN if there is none.

    Raises ``AliasAmbiguous`` if several versions have it.
    """
    model, part, alias = arn.partition(_PART)
    if not part or session.get(ModelRow, arn) is not None:
        return arn
    found = session.scalars(
        select(ModelRow.arn)
        .join(JobTagRow, JobTagRow.arn == ModelRow.arn)
        .where(ModelRow.account == account, ModelRow.deleting.is_(False))
        .where((ModelRow.arn == model) | ModelRow.arn.startswith(f"{model}{_PART}", autoescape=True))
        .where(JobTagRow.key == ALIAS_TAG, JobTagRow.value == alias)
        .order_by(ModelRow.arn)
    ).all()
    if len(found) > 1:
        raise AliasAmbiguous(ALIAS_TAG, alias, found)
    return found[0] if found else arn
