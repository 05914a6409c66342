"""Operations on the accounts of the organization."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam.tags import tag_context
from reading_room.organizations import members, organization, units
from reading_room.organizations.errors import InvalidInput
from reading_room.organizations.members import Prepare
from reading_room.organizations.operations.addressing import named
from reading_room.organizations.pages import page
from reading_room.organizations.structures import account_structure, creation_structure


class AccountOperations:
    """Creating, listing, moving and removing accounts."""

    def __init__(self, database: Database, clock: Clock, most: int, prepare: Prepare) -> None:
        """``most`` is the most accounts of the organization; ``prepare`` creates what every new account has."""
        self._database = database
        self._clock = clock
        self._most = most
        self._prepare = prepare

    @operation("organizations", "CreateAccount", context=tag_context)
    def create_account(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """CreateAccount: the account exists when the call returns, so its state is never IN_PROGRESS."""
        if "IamUserAccessToBilling" in request:
            raise InvalidInput("INVALID_ENUM", "IamUserAccessToBilling is not supported: there are no bills.")
        with self._database.transaction() as session:
            row = members.create(
                session,
                organization.managed_by(session, call.account),
                name=request["AccountName"],
                email=request["Email"],
                role=request.get("RoleName", members.ROLE),
                given=request.get("Tags", ()),
                most=self._most,
                now=self._clock(),
                prepare=self._prepare,
            )
            return {"CreateAccountStatus": creation_structure(row)}

    @operation("organizations", "DescribeCreateAccountStatus")
    def describe_creation(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """DescribeCreateAccountStatus."""
        with self._database.reading() as session:
            organization.managed_by(session, call.account)
            row = members.creation(session, request["CreateAccountRequestId"])
            return {"CreateAccountStatus": creation_structure(row)}

    @operation("organizations", "ListCreateAccountStatus")
    def list_creations(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListCreateAccountStatus."""
        wanted = request.get("States")
        with self._database.reading() as session:
            organization.managed_by(session, call.account)
            found = [creation_structure(row) for row in members.creations(session)]
        found = [each for each in found if not wanted or each["State"] in wanted]
        shown, more = page(found, request, lambda each: str(each["Id"]))
        return {"CreateAccountStatuses": shown, **more}

    @operation("organizations", "DescribeAccount", resources=named("AccountId"))
    def describe_account(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """DescribeAccount."""
        with self._database.reading() as session:
            found = organization.managed_by(session, call.account)
            row = members.get(session, request["AccountId"])
            return {"Account": account_structure(session, found, row)}

    @operation("organizations", "ListAccounts")
    def list_accounts(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListAccounts."""
        return self._listed(call, request, None)

    @operation("organizations", "ListAccountsForParent", resources=named("ParentId"))
    def list_accounts_for_parent(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListAccountsForParent."""
        return self._listed(call, request, request["ParentId"])

    def _listed(self, call: Call, request: Mapping[str, Any], parent_id: str | None) -> Mapping[str, Any]:
        with self._database.reading() as session:
            found = organization.managed_by(session, call.account)
            if parent_id is not None:
                units.check_parent(session, found, parent_id)
            shown, more = page(members.every(session, parent_id), request, lambda row: row.account)
            return {"Accounts": [account_structure(session, found, row) for row in shown], **more}

    @operation("organizations", "MoveAccount", resources=named("AccountId", "SourceParentId", "DestinationParentId"))
    def move_account(self, call: Call, request: Mapping[str, Any]) -> None:
        """MoveAccount: the policies of the new place apply from the next request on."""
        with self._database.transaction() as session:
            found = organization.managed_by(session, call.account)
            row = members.get(session, request["AccountId"])
            members.move(session, found, row, request["SourceParentId"], request["DestinationParentId"])

    @operation("organizations", "RemoveAccountFromOrganization", resources=named("AccountId"))
    def remove_account(self, call: Call, request: Mapping[str, Any]) -> None:
        """RemoveAccountFromOrganization: the account stays in the installation, without the organization's policies."""
        with self._database.transaction() as session:
            found = organization.managed_by(session, call.account)
            members.remove(session, found, members.get(session, request["AccountId"]))

    @operation("organizations", "LeaveOrganization")
    def leave_organization(self, call: Call, request: Mapping[str, Any]) -> None:
        """LeaveOrganization: a member account leaves, which a service control policy can deny."""
        with self._database.transaction() as session:
            found = organization.of_member(session, call.account)
            members.remove(session, found, members.get(session, call.account))
