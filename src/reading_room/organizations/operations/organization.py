"""Operations on the organization, its root and its units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam.tables import Account
from reading_room.iam.tags import tag_context
from reading_room.organizations import organization, tags, units
from reading_room.organizations.errors import InvalidInput
from reading_room.organizations.operations.addressing import named
from reading_room.organizations.pages import page
from reading_room.organizations.structures import organization_structure, root_structure, unit_structure


class OrganizationOperations:
    """The organization itself, and its tree."""

    def __init__(self, database: Database, clock: Clock, first: str) -> None:
        """``first`` is the first account of the installation, which alone can create the organization."""
        self._database = database
        self._clock = clock
        self._first = first

    @operation("organizations", "CreateOrganization")
    def create_organization(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """CreateOrganization: with all features, and service control policies enabled."""
        if request.get("FeatureSet", "ALL") != "ALL":
            raise InvalidInput("INVALID_ENUM", "Only the feature set ALL is supported.")
        with self._database.transaction() as session:
            row = session.get(Account, call.account)
            name = (row.name if row is not None else "") or call.account
            found = organization.create(session, call.account, name, self._first, self._clock())
            return {"Organization": organization_structure(session, found)}

    @operation("organizations", "DescribeOrganization")
    def describe_organization(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """DescribeOrganization: any member account can call it."""
        with self._database.reading() as session:
            found = organization.of_member(session, call.account)
            return {"Organization": organization_structure(session, found)}

    @operation("organizations", "DeleteOrganization")
    def delete_organization(self, call: Call, request: Mapping[str, Any]) -> None:
        """DeleteOrganization."""
        with self._database.transaction() as session:
            organization.delete(session, organization.managed_by(session, call.account))

    @operation("organizations", "ListRoots")
    def list_roots(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListRoots: an organization has one."""
        with self._database.reading() as session:
            found = organization.managed_by(session, call.account)
            shown, more = page([root_structure(found)], request, lambda root: str(root["Id"]))
            return {"Roots": shown, **more}

    @operation("organizations", "CreateOrganizationalUnit", resources=named("ParentId"), context=tag_context)
    def create_unit(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """CreateOrganizationalUnit."""
        with self._database.transaction() as session:
            found = organization.managed_by(session, call.account)
            row = units.create(session, found, request["ParentId"], request["Name"])
            tags.add(session, row.unit_id, request.get("Tags", ()))
            return {"OrganizationalUnit": unit_structure(session, found, row)}

    @operation("organizations", "DescribeOrganizationalUnit", resources=named("OrganizationalUnitId"))
    def describe_unit(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """DescribeOrganizationalUnit."""
        with self._database.reading() as session:
            found = organization.managed_by(session, call.account)
            row = units.get(session, request["OrganizationalUnitId"])
            return {"OrganizationalUnit": unit_structure(session, found, row)}

    @operation("organizations", "UpdateOrganizationalUnit", resources=named("OrganizationalUnitId"))
    def update_unit(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """UpdateOrganizationalUnit: gives a unit another name."""
        with self._database.transaction() as session:
            found = organization.managed_by(session, call.account)
            row = units.get(session, request["OrganizationalUnitId"])
            units.rename(session, row, request.get("Name", row.name))
            return {"OrganizationalUnit": unit_structure(session, found, row)}

    @operation("organizations", "DeleteOrganizationalUnit", resources=named("OrganizationalUnitId"))
    def delete_unit(self, call: Call, request: Mapping[str, Any]) -> None:
        """DeleteOrganizationalUnit."""
        with self._database.transaction() as session:
            organization.managed_by(session, call.account)
            units.delete(session, units.get(session, request["OrganizationalUnitId"]))

    @operation("organizations", "ListOrganizationalUnitsForParent", resources=named("ParentId"))
    def list_units(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListOrganizationalUnitsForParent."""
        with self._database.reading() as session:
            found = organization.managed_by(session, call.account)
            units.check_parent(session, found, request["ParentId"])
            shown, more = page(units.below(session, request["ParentId"]), request, lambda row: row.unit_id)
            return {"OrganizationalUnits": [unit_structure(session, found, row) for row in shown], **more}

    @operation("organizations", "ListParents")
    def list_parents(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListParents: a unit or account has one parent."""
        with self._database.reading() as session:
            found = organization.managed_by(session, call.account)
            parent_id = units.parent_of(session, request["ChildId"])
            kind = "ROOT" if parent_id == found.root_id else "ORGANIZATIONAL_UNIT"
            shown, more = page([{"Id": parent_id, "Type": kind}], request, lambda parent: parent["Id"])
            return {"Parents": shown, **more}

    @operation("organizations", "ListChildren", resources=named("ParentId"))
    def list_children(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListChildren."""
        with self._database.reading() as session:
            found = organization.managed_by(session, call.account)
            units.check_parent(session, found, request["ParentId"])
            kind = request["ChildType"]
            shown, more = page(units.children(session, request["ParentId"], kind), request, str)
            return {"Children": [{"Id": child, "Type": kind} for child in shown], **more}

    @operation("organizations", "ListAWSServiceAccessForOrganization")
    def list_service_access(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListAWSServiceAccessForOrganization: no service has access, since none can be given it here."""
        with self._database.reading() as session:
            organization.managed_by(session, call.account)
        return {"EnabledServicePrincipals": []}

    @operation("organizations", "TagResource", resources=named("ResourceId"), context=tag_context)
    def tag_resource(self, call: Call, request: Mapping[str, Any]) -> None:
        """TagResource."""
        with self._database.transaction() as session:
            found = organization.managed_by(session, call.account)
            units.check_target(session, found, request["ResourceId"], policies=True)
            tags.add(session, request["ResourceId"], request["Tags"])

    @operation("organizations", "UntagResource", resources=named("ResourceId"), context=tag_context)
    def untag_resource(self, call: Call, request: Mapping[str, Any]) -> None:
        """UntagResource."""
        with self._database.transaction() as session:
            found = organization.managed_by(session, call.account)
            units.check_target(session, found, request["ResourceId"], policies=True)
            tags.remove(session, request["ResourceId"], request["TagKeys"])

    @operation("organizations", "ListTagsForResource", resources=named("ResourceId"))
    def list_tags(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListTagsForResource."""
        with self._database.reading() as session:
            found = organization.managed_by(session, call.account)
            units.check_target(session, found, request["ResourceId"], policies=True)
            shown, more = page(tags.of(session, request["ResourceId"]), request, lambda tag: tag["Key"], tags.MOST)
            return {"Tags": shown, **more}
