"""Operations on service and resource control policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.database.engine import Database
from reading_room.organizations import attachments, organization, policies, tags, units
from reading_room.organizations.arns import Arns
from reading_room.organizations.errors import RootNotFound, TypeNotAvailable
from reading_room.organizations.kinds import kind_named
from reading_room.organizations.operations.addressing import named, of_kind
from reading_room.organizations.pages import page
from reading_room.organizations.structures import (
    policy_structure,
    policy_summary,
    root_structure,
    target_structure,
)
from reading_room.organizations.tables import Organization


class PolicyOperations:
    """Policies and where they are attached. All other types of policies are refused by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation("organizations", "CreatePolicy", context=of_kind)
    def create_policy(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """CreatePolicy."""
        kind = kind_named(request["Type"])
        with self._database.transaction() as session:
            found = organization.managed_by(session, call.account)
            row = policies.create(session, kind, request["Name"], request["Description"], request["Content"])
            tags.add(session, row.policy_id, request.get("Tags", ()))
            return {"Policy": policy_structure(Arns.of(found), row)}

    @operation("organizations", "UpdatePolicy", resources=named("PolicyId"))
    def update_policy(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """UpdatePolicy: new content applies from the next request on, wherever the policy is attached."""
        with self._database.transaction() as session:
            found = organization.managed_by(session, call.account)
            row = policies.own(session, request["PolicyId"])
            policies.update(session, row, request.get("Name"), request.get("Description"), request.get("Content"))
            return {"Policy": policy_structure(Arns.of(found), row)}

    @operation("organizations", "DescribePolicy", resources=named("PolicyId"))
    def describe_policy(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """DescribePolicy."""
        with self._database.reading() as session:
            found = organization.managed_by(session, call.account)
            return {"Policy": policy_structure(Arns.of(found), policies.get(session, request["PolicyId"]))}

    @operation("organizations", "DeletePolicy", resources=named("PolicyId"))
    def delete_policy(self, call: Call, request: Mapping[str, Any]) -> None:
        """DeletePolicy."""
        with self._database.transaction() as session:
            organization.managed_by(session, call.account)
            policies.delete(session, policies.own(session, request["PolicyId"]))

    @operation("organizations", "ListPolicies", context=of_kind)
    def list_policies(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListPolicies."""
        kind = kind_named(request["Filter"])
        with self._database.reading() as session:
            found = organization.managed_by(session, call.account)
            shown, more = page(policies.every(session, kind), request, lambda policy: policy.policy_id)
            return {"Policies": [policy_summary(Arns.of(found), policy) for policy in shown], **more}

    @operation("organizations", "AttachPolicy", resources=named("PolicyId", "TargetId"))
    def attach_policy(self, call: Call, request: Mapping[str, Any]) -> None:
        """AttachPolicy."""
        with self._database.transaction() as session:
            found = organization.managed_by(session, call.account)
            policy = policies.get(session, request["PolicyId"])
            units.check_target(session, found, request["TargetId"])
            kind = kind_named(policy.kind)
            attachments.attach(session, found, policy.policy_id, kind, request["TargetId"])

    @operation("organizations", "DetachPolicy", resources=named("PolicyId", "TargetId"))
    def detach_policy(self, call: Call, request: Mapping[str, Any]) -> None:
        """DetachPolicy."""
        with self._database.transaction() as session:
            found = organization.managed_by(session, call.account)
            policy = policies.get(session, request["PolicyId"])
            units.check_target(session, found, request["TargetId"])
            attachments.detach(session, policy.policy_id, kind_named(policy.kind), request["TargetId"])

    @operation("organizations", "ListPoliciesForTarget", resources=named("TargetId"), context=of_kind)
    def list_policies_for_target(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListPoliciesForTarget: those attached to the target itself, not those above it."""
        kind = kind_named(request["Filter"])
        with self._database.reading() as session:
            found = organization.managed_by(session, call.account)
            units.check_target(session, found, request["TargetId"])
            on_target = policies.named(session, attachments.on(session, request["TargetId"], kind))
            shown, more = page(on_target, request, lambda policy: policy.policy_id)
            return {"Policies": [policy_summary(Arns.of(found), policy) for policy in shown], **more}

    @operation("organizations", "ListTargetsForPolicy", resources=named("PolicyId"))
    def list_targets_for_policy(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListTargetsForPolicy."""
        with self._database.reading() as session:
            found = organization.managed_by(session, call.account)
            policy = policies.get(session, request["PolicyId"])
            shown, more = page(attachments.targets_of(session, policy.policy_id), request, str)
            return {"Targets": [target_structure(session, found, target_id) for target_id in shown], **more}

    @operation("organizations", "EnablePolicyType", resources=named("RootId"), context=of_kind)
    def enable_policy_type(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """EnablePolicyType: everything gets AWS's own policy of the type, which allows everything."""
        kind = kind_named(request["PolicyType"])
        with self._database.transaction() as session:
            found = organization.managed_by(session, call.account)
            _check_root(found, request["RootId"])
            attachments.enable(session, found, kind)
            return {"Root": root_structure(found)}

    @operation("organizations", "DisablePolicyType", resources=named("RootId"), context=of_kind)
    def disable_policy_type(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """DisablePolicyType: detaches every policy of the type, for good."""
        kind = kind_named(request["PolicyType"])
        with self._database.transaction() as session:
            found = organization.managed_by(session, call.account)
            _check_root(found, request["RootId"])
            attachments.disable(session, found, kind)
            return {"Root": root_structure(found)}

    @operation("organizations", "DescribeEffectivePolicy", resources=named("TargetId"), context=of_kind)
    def describe_effective_policy(self, call: Call, request: Mapping[str, Any]) -> NoReturn:
        """DescribeEffectivePolicy: only management policies have one, such as declarative policies."""
        with self._database.reading() as session:
            organization.of_member(session, call.account)
        raise TypeNotAvailable(request["PolicyType"])


def _check_root(found: Organization, root_id: str) -> None:
    if root_id != found.root_id:
        raise RootNotFound
