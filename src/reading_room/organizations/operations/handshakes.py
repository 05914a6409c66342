"""Operations on invitations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam.tags import tag_context
from reading_room.organizations import invitations, organization
from reading_room.organizations.errors import HandshakeNotFound, InvalidInput
from reading_room.organizations.operations.addressing import named
from reading_room.organizations.pages import page
from reading_room.organizations.structures import handshake_structure
from reading_room.organizations.tables import Invitation, Organization


class HandshakeOperations:
    """Inviting accounts, and their answers."""

    def __init__(self, database: Database, clock: Clock, most: int) -> None:
        """``most`` is the most accounts of the organization."""
        self._database = database
        self._clock = clock
        self._most = most

    @operation("organizations", "InviteAccountToOrganization", context=tag_context)
    def invite_account(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """InviteAccountToOrganization: an account of this installation, by its number."""
        target = request["Target"]
        if target["Type"] != "ACCOUNT":
            raise InvalidInput("INVALID_PARTY_TYPE_TARGET", "Accounts are invited by their number only.")
        with self._database.transaction() as session:
            found = organization.managed_by(session, call.account)
            now = self._clock()
            row = invitations.invite(
                session, target["Id"], request.get("Notes", ""), request.get("Tags", ()), self._most, now
            )
            return {"Handshake": handshake_structure(session, found, row, now)}

    @operation("organizations", "AcceptHandshake", resources=named("HandshakeId"))
    def accept_handshake(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """AcceptHandshake: the caller's account joins the organization."""
        with self._database.transaction() as session:
            row = invitations.to_account(session, request["HandshakeId"], call.account)
            found = organization.find(session)
            if found is None:
                raise HandshakeNotFound
            now = self._clock()
            invitations.accept(session, found, row, now)
            return {"Handshake": handshake_structure(session, found, row, now)}

    @operation("organizations", "DeclineHandshake", resources=named("HandshakeId"))
    def decline_handshake(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """DeclineHandshake."""
        return self._answered(call, request, "DECLINED")

    @operation("organizations", "CancelHandshake", resources=named("HandshakeId"))
    def cancel_handshake(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """CancelHandshake: the management account takes an invitation back."""
        return self._answered(call, request, "CANCELED")

    def _answered(
        self, call: Call, request: Mapping[str, Any], state: Literal["DECLINED", "CANCELED"]
    ) -> Mapping[str, Any]:
        with self._database.transaction() as session:
            if state == "CANCELED":
                found = organization.managed_by(session, call.account)
                row = invitations.get(session, request["HandshakeId"])
            else:
                row = invitations.to_account(session, request["HandshakeId"], call.account)
                found = self._of(row, organization.find(session))
            now = self._clock()
            invitations.answer(session, row, state, now)
            return {"Handshake": handshake_structure(session, found, row, now)}

    @staticmethod
    def _of(row: Invitation, found: Organization | None) -> Organization:
        # An invitation is deleted with its organization.
        if found is None or row.organization != found.id:
            raise HandshakeNotFound
        return found

    @operation("organizations", "DescribeHandshake", resources=named("HandshakeId"))
    def describe_handshake(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """DescribeHandshake: for the management account and the invited one."""
        with self._database.reading() as session:
            row = invitations.get(session, request["HandshakeId"])
            found = self._of(row, organization.find(session))
            if call.account not in (row.account, found.account):
                raise HandshakeNotFound
            return {"Handshake": handshake_structure(session, found, row, self._clock())}

    @operation("organizations", "ListHandshakesForAccount")
    def list_handshakes_for_account(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListHandshakesForAccount: the invitations of the caller's account."""
        with self._database.reading() as session:
            return self._listed(session, request, invitations.of_account(session, call.account))

    @operation("organizations", "ListHandshakesForOrganization")
    def list_handshakes_for_organization(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListHandshakesForOrganization."""
        with self._database.reading() as session:
            organization.managed_by(session, call.account)
            return self._listed(session, request, invitations.every(session))

    def _listed(self, session: Any, request: Mapping[str, Any], rows: Sequence[Invitation]) -> Mapping[str, Any]:
        wanted = request.get("Filter", {})
        found = organization.find(session)
        if found is None or wanted.get("ActionType", "INVITE") != "INVITE" or "ParentHandshakeId" in wanted:
            return {"Handshakes": []}
        shown, more = page(rows, request, lambda row: row.handshake_id)
        return {"Handshakes": [handshake_structure(session, found, row, self._clock()) for row in shown], **more}
