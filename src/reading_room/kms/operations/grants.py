"""Operations on grants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.kms import grants, keys
from reading_room.kms.access import Asked, KeyCall
from reading_room.kms.errors import MissingMember, UnsupportedOperationException, ValidationException
from reading_room.kms.granting import Granting, for_service
from reading_room.kms.grants import Terms
from reading_room.kms.operations.rows import KeyRows, end_dry_run, key_operation, refuse
from reading_room.kms.pages import page
from reading_room.kms.references import parse_reference
from reading_room.kms.tables import GrantRow, KeyRow


class GrantOperations:
    """Grants."""

    def __init__(self, rows: KeyRows, granting: Granting) -> None:
        self._rows = rows
        self._granting = granting

    @key_operation("CreateGrant")
    def create_grant(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """CreateGrant: the grant is in force with the answer, so its token is not needed."""
        refuse(call, "GranteeServicePrincipal", "RetiringServicePrincipal")
        grantee, retiring = request.get("GranteePrincipal"), request.get("RetiringPrincipal")
        terms = Terms(tuple(request["Operations"]), request.get("Constraints", {}))
        if "SourceArn" in terms.constraints:
            raise UnsupportedOperationException("The constraint SourceArn is not supported.")
        if grantee is None:
            raise MissingMember("granteePrincipal")
        made = self._granting.create(
            KeyCall(call),
            request["KeyId"],
            terms,
            grantee=grantee,
            retiring=retiring,
            name=request.get("Name"),
            dry_run=bool(request.get("DryRun")),
        )
        return {"GrantId": made.grant_id, "GrantToken": made.token}

    @key_operation("ListGrants")
    def list_grants(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListGrants."""
        refuse(call, "GranteeServicePrincipal")
        with self._rows.reading(call, Asked("ListGrants", for_service(KeyCall(call)))) as (session, row):
            grant_id = request.get("GrantId")
            if grant_id is not None:
                grants.get(session, row.key_id, grant_id)
            found = grants.every(session, row.key_id, grant_id=grant_id, grantee=request.get("GranteePrincipal"))
            shown, more = page("grants", found, request, lambda grant: grant.grant_id, 50)
            return {"Grants": [_structure(grant, row) for grant in shown], **more}

    @operation("kms", "ListRetirableGrants")
    def list_retirable(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListRetirableGrants: of the account's own principals."""
        refuse(call, "RetiringServicePrincipal")
        if "RetiringPrincipal" not in request:
            raise MissingMember("retiringPrincipal")
        with self._rows.database.reading() as session:
            found = [
                grant
                for grant in grants.retirable_by(session, request["RetiringPrincipal"])
                if f":{call.account}:" in request["RetiringPrincipal"]
            ]
            shown, more = page("retirable", found, request, lambda grant: grant.grant_id, 50)
            structures = [_structure(grant, session.get_one(KeyRow, grant.key_id)) for grant in shown]
            return {"Grants": structures, **more}

    @key_operation("RevokeGrant")
    def revoke_grant(self, call: Call, request: Mapping[str, Any]) -> None:
        """RevokeGrant: what it permitted is denied from the answer on."""
        with self._rows.changing(call, Asked("RevokeGrant", for_service(KeyCall(call)))) as (session, row):
            grant = grants.get(session, row.key_id, request["GrantId"])
            end_dry_run(call)
            session.delete(grant)

    @key_operation("RetireGrant")
    def retire_grant(self, call: Call, request: Mapping[str, Any]) -> None:
        """RetireGrant: by the principals that the grant names, or by permission for the key."""
        grant_id, key_id = self._retired(call, request)
        with self._rows.database.transaction() as session:
            grant = grants.get(session, key_id, grant_id)
            end_dry_run(call)
            session.delete(grant)

    def _retired(self, call: Call, request: Mapping[str, Any]) -> tuple[str, str]:
        """Return the ids of the grant to retire and of its key, once the caller may retire it."""
        token = request.get("GrantToken")
        if token is None and not ("KeyId" in request and "GrantId" in request):
            raise ValidationException("Specify a grant token, or a key ARN and a grant ID.")
        key_text = request.get("KeyId")
        with self._rows.database.reading() as session:
            if token is not None:
                grant: GrantRow | None = grants.with_token(session, token)
            else:
                reference = parse_reference(str(key_text), call.account, call.region, aliases=False)
                grant = grants.find(session, reference.key_id or "", request["GrantId"])
            if grant is not None:
                self._granting.authorize_retirement(KeyCall(call), session, grant)
                return grant.grant_id, grant.key_id
        # Only a caller with permission learns that the grant does not exist.
        key = self._rows.open(call, Asked("RetireGrant", for_service(KeyCall(call))))
        return request["GrantId"], key.key_id


def _structure(grant: GrantRow, key: KeyRow) -> dict[str, Any]:
    terms = grants.terms_of(grant)
    found: dict[str, Any] = {
        "KeyId": keys.arn_of(key),
        "GrantId": grant.grant_id,
        "Name": grant.name or "",
        "CreationDate": grant.created_at,
        "GranteePrincipal": grant.grantee,
        "IssuingAccount": grant.issuer,
        "Operations": list(terms.operations),
    }
    if grant.retiring is not None:
        found["RetiringPrincipal"] = grant.retiring
    if terms.constraints:
        found["Constraints"] = dict(terms.constraints)
    return found
