"""Session policies, prepared for decisions.

As in AWS, a session holds only the ARN of a managed policy, so a new default version applies to the next request, and a
deleted policy allows nothing.
"""

from __future__ import annotations

from reading_room.aws.call import Principal
from reading_room.database.engine import Database
from reading_room.database.kept import Kept
from reading_room.iam.identities import attached
from reading_room.iam.managed_policies import document_of
from reading_room.iam.policy.document import Policy
from reading_room.iam.policy.evaluate import AttachedPolicy
from reading_room.iam.tables import ManagedPolicy, PolicyVersion

_NOTHING = Policy("2012-10-17", ())


class SessionPolicies:
    """Returns callers' session policies; managed ones are cached until a managed policy is written. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept = Kept[tuple[str, str], AttachedPolicy](database, ManagedPolicy, PolicyVersion)

    def of(self, principal: Principal) -> list[AttachedPolicy]:
        """Return the session policies of a caller, which allow whatever any one of them allows.

        A federated user without any has only the permissions that resource policies grant it by name.
        """
        found = [self._managed(arn, principal.account) for arn in principal.session_policy_arns]
        if principal.session_policy is not None:
            found.append(attached("session", "session", "of the session", principal.session_policy))
        if not found and principal.kind == "federated":
            return [AttachedPolicy("session", _NOTHING, "of the session, which was given none")]
        return found

    def _managed(self, arn: str, account: str) -> AttachedPolicy:
        return self._kept.get((arn, account), self._read) or AttachedPolicy("session", _NOTHING, arn)

    def _read(self, key: tuple[str, str]) -> AttachedPolicy | None:
        arn, account = key
        with self._database.reading() as session:
            text = document_of(session, arn, account)
        return None if text is None else attached("session", "managed", arn, text)
