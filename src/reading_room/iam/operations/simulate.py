"""IAM operations that simulate requests, or list the condition keys that a simulation needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.database.engine import Database
from reading_room.iam import scenarios
from reading_room.iam.errors import UnsupportedParameter
from reading_room.iam.organization import Organizations, no_organization
from reading_room.iam.pagination import page
from reading_room.iam.policy.context_keys import keys_of
from reading_room.iam.simulation import Scenario, Source, simulate

if TYPE_CHECKING:
    from mypy_boto3_iam import type_defs as t

_UNSUPPORTED = ("OrderedOrganizationPolicyInputList", "ResourceHandlingOption")
"""A caller's own organization is simulated, not one that a request describes; and the product has no instances."""
_DECISIONS_PER_PAGE = 2_000


def policy_source(call: Call) -> Sequence[str]:
    """Return the ARN of the entity whose policies a call simulates."""
    return (call.parameters["PolicySourceArn"],)


class SimulationOperations:
    """SimulatePrincipalPolicy, SimulateCustomPolicy and their GetContextKeys operations, which change nothing."""

    def __init__(self, database: Database, organization: Organizations = no_organization) -> None:
        self._database = database
        self._organization = organization

    @operation("iam", "SimulatePrincipalPolicy", resources=policy_source)
    def simulate_principal_policy(
        self, call: Call, request: t.SimulatePrincipalPolicyRequestTypeDef
    ) -> Mapping[str, Any]:
        """SimulatePrincipalPolicy. A boundary in the request replaces the entity's own."""
        _refuse(call)
        organization = self._organization()
        place = None if organization is None else organization.place(call.account)
        with self._database.reading() as session:
            owner = scenarios.entity(session, call.account, request["PolicySourceArn"])
            given = scenarios.input_sources(call.parameters)
            replaced = bool(request.get("PermissionsBoundaryPolicyInputList"))
            without = call.parameters.get("PolicyExclusionList") or ()
            own = scenarios.entity_sources(session, owner, boundary=not replaced, without=without)
            sources = [*own, *given]
            scenario = scenarios.scenario(session, call.account, call.parameters, sources, owner, place)
        return _answer(call, scenario)

    @operation("iam", "SimulateCustomPolicy")
    def simulate_custom_policy(self, call: Call, request: t.SimulateCustomPolicyRequestTypeDef) -> Mapping[str, Any]:
        """SimulateCustomPolicy."""
        _refuse(call)
        with self._database.reading() as session:
            sources = scenarios.input_sources(call.parameters)
            scenario = scenarios.scenario(session, call.account, call.parameters, sources, None)
        return _answer(call, scenario)

    @operation("iam", "GetContextKeysForCustomPolicy")
    def get_context_keys_for_custom_policy(
        self, call: Call, request: t.GetContextKeysForCustomPolicyRequestTypeDef
    ) -> Mapping[str, Any]:
        """GetContextKeysForCustomPolicy."""
        return _keys(scenarios.input_sources(request))

    @operation("iam", "GetContextKeysForPrincipalPolicy", resources=policy_source)
    def get_context_keys_for_principal_policy(
        self, call: Call, request: t.GetContextKeysForPrincipalPolicyRequestTypeDef
    ) -> Mapping[str, Any]:
        """GetContextKeysForPrincipalPolicy."""
        with self._database.reading() as session:
            owner = scenarios.entity(session, call.account, request["PolicySourceArn"])
            sources = scenarios.entity_sources(session, owner, boundary=False)
        return _keys([*sources, *scenarios.input_sources(request)])


def _refuse(call: Call) -> None:
    for parameter in _UNSUPPORTED:
        if parameter in call.parameters:
            raise UnsupportedParameter(parameter)


def _answer(call: Call, scenario: Scenario) -> Mapping[str, Any]:
    """Simulate the actions of the requested page. Like AWS's, a page may be shorter than requested."""
    most = max(1, _DECISIONS_PER_PAGE // len(scenario.resources))
    size = min(call.parameters.get("MaxItems") or 100, most)
    actions = list(enumerate(scenarios.action_names(call.parameters)))
    shown, paging = page(actions, {**call.parameters, "MaxItems": size}, lambda item: f"{item[0]:05}")
    return {"EvaluationResults": [simulate(scenario, action) for _, action in shown], **paging}


def _keys(sources: Sequence[Source]) -> Mapping[str, Any]:
    return {"ContextKeyNames": keys_of(source.attached.policy for source in sources)}
