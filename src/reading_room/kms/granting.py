"""Making and ending grants for callers, who are authorized by key policy, identity policies, or other grants."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.kms import grants, keys
from reading_room.kms.access import Asked, KeyAccess, KeyCall
from reading_room.kms.errors import DryRunOperationException
from reading_room.kms.grants import Terms
from reading_room.kms.tables import GrantRow, KeyRow


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant that was made."""

    key_arn: str
    grant_id: str
    token: str = field(repr=False)


class Granting:
    """Makes and ends grants. Thread-safe."""

    def __init__(self, database: Database, access: KeyAccess, clock: Clock) -> None:
        self._database = database
        self._access = access
        self._clock = clock

    def create(
        self,
        by: KeyCall,
        key: str,
        terms: Terms,
        *,
        grantee: str,
        retiring: str | None = None,
        name: str | None = None,
        dry_run: bool = False,
    ) -> Granted:
        """Make a grant, which is in force at once: CreateGrant. Principals are ARNs.

        Raises the errors of ``KeyAccess.use``, ``ValidationException``, ``InvalidArnException``,
        ``LimitExceededException``, and ``DryRunOperationException`` for a dry run of a call that would succeed.
        """
        context: dict[str, tuple[str, ...]] = {
            **for_service(by),
            "kms:GranteePrincipal": (grantee,),
            "kms:GrantOperations": tuple(terms.operations),
        }
        if retiring is not None:
            context["kms:RetiringPrincipal"] = (retiring,)
        if terms.constraints:
            context["kms:GrantConstraintType"] = tuple(terms.constraints)
        asked = Asked("CreateGrant", context, new_grant=terms)
        found = self._access.open(by, key, asked, with_aliases=False)
        found.check_usable(self._clock())
        grants.checked(found, terms)

        def made(session: Session) -> Granted:
            row = grants.create(
                session,
                found,
                terms,
                grantee=grantee,
                retiring=retiring,
                issuer=by.call.account,
                name=name,
                now=self._clock(),
            )
            # At the end, so that a dry run finds every fault. The error ends the transaction.
            if dry_run:
                raise DryRunOperationException
            return Granted(found.arn, row.grant_id, row.token)

        if by.session is not None:
            return made(by.session)
        with self._database.transaction() as session:
            return made(session)

    def authorize_retirement(self, by: KeyCall, session: Session, grant: GrantRow) -> None:
        """Return if a caller may retire a grant, by the grant itself or by permission for the key.

        Raises ``AccessDeniedException``, ``KeyAccessDenied``.
        """
        if not grants.may_retire(grant, by.call.principal):
            arn = keys.arn_of(session.get_one(KeyRow, grant.key_id))
            self._access.open(by, arn, Asked("RetireGrant", for_service(by)))

    def retire(self, by: KeyCall, grant_id: str) -> None:
        """Retire a grant, if it exists: RetireGrant. Raises ``AccessDeniedException``, ``KeyAccessDenied``."""

        def retired(session: Session) -> None:
            grant = session.get(GrantRow, grant_id)
            if grant is not None:
                self.authorize_retirement(by, session, grant)
                session.delete(grant)

        if by.session is not None:
            retired(by.session)
        else:
            with self._database.transaction() as session:
                retired(session)


def for_service(by: KeyCall) -> dict[str, tuple[str, ...]]:
    """Return the condition key that says whether a service makes the call, for a resource of its own."""
    return {"kms:GrantIsForAWSResource": ("true" if by.via is not None else "false",)}
