"""An account's own calls and denials from the trail, without details of other accounts' policies."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any

from reading_room.arns import Arn
from reading_room.trail.lookup import moment_of

EndpointOwner = Callable[[str], str | None]
"""Returns the account of a VPC endpoint, or ``None`` if it does not exist."""
_CALLERS_OWN = ("identity policy ", "boundary policy ", "session policy ")
"""The prefixes of the caller's own policies in a denial."""
_OWNERS = ("resource-based policy", "resource control policy", "role trust policy")
"""Kinds of policies in reasons that only the resource's owner reads."""
_ORGANIZATIONS = ("scp policy ", "rcp policy ")
"""The prefixes of an organization's policies, whose texts only the management account reads."""


def call_structure(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event as ``ExplainedCall``."""
    identity = event["userIdentity"]
    members = {
        "EventName": event["eventName"],
        "EventSource": event["eventSource"],
        "EventTime": moment_of(event),
        "PrincipalArn": identity.get("arn") or identity.get("invokedBy"),
        "SourceIpAddress": event.get("sourceIPAddress") or None,
        "VpcEndpointId": event.get("vpcEndpointId"),
        "ErrorCode": event.get("errorCode"),
        "ErrorMessage": event.get("errorMessage"),
    }
    return {name: value for name, value in members.items() if value is not None}


def is_of(denial: Mapping[str, Any], account: str) -> bool:
    """Return whether the caller of a denied request belongs to an account."""
    return _account_in(str(denial["principal"])) == account


def denial_structure(denial: Mapping[str, Any], account: str, endpoint_owner: EndpointOwner) -> dict[str, Any]:
    """Return a denial of an account's request as ``Denial``.

    Policies of other accounts' buckets, roles and endpoints are not included, just as S3 does not reveal them.
    """
    readable = _ReadableParts(denial, account, endpoint_owner)
    members: dict[str, Any] = {
        "RequestId": denial["requestID"],
        "At": dt.datetime.fromisoformat(denial["at"]),
        "Decision": denial["outcome"],
        "PrincipalArn": denial["principal"],
        "Action": denial["action"],
        "Resource": denial["resource"],
        "Message": denial["message"] if readable.all_reasons else None,
        "Because": [text for text in denial["because"] if readable.reason(text)],
        "DecidingStatements": [
            _statement(each) for each in denial.get("deciding", ()) if readable.policy(each["policy"])
        ],
        "ClosestStatements": [
            _statement(each) for each in denial.get("closest", ()) if readable.policy(each["policy"])
        ],
        "Policies": [name for name in denial.get("policies", ()) if readable.policy(name)],
        "Context": [{"Key": key, "Values": values} for key, values in denial.get("context", {}).items()],
    }
    if members["Message"] is None:
        members["Message"] = f"{denial['principal']} is not authorized to perform {denial['action']}"
    if readable.withheld:
        members["Withheld"] = (
            f"Policies of {readable.withheld}: they belong to another account, whose owner can read them."
        )
    return members


class _ReadableParts:
    """The parts of a denial that an account may read."""

    def __init__(self, denial: Mapping[str, Any], account: str, endpoint_owner: EndpointOwner) -> None:
        context = {key.lower(): values for key, values in denial.get("context", {}).items()}
        named = _account_in(str(denial["resource"]))
        owners = [named] if named else context.get("aws:resourceaccount", [])
        self._of_resource = list(owners) == [account]
        endpoints = context.get("aws:sourcevpce", [])
        self._of_endpoint = all(endpoint_owner(each) == account for each in endpoints)
        policies = [str(name) for name in denial.get("policies", ())]
        hidden = []
        of_resource = [name for name in policies if not name.startswith(("endpoint policy ", *_ORGANIZATIONS))]
        if not self._of_resource and any(not self.policy(name) for name in of_resource):
            hidden.append(str(denial["resource"]))
        if not self._of_endpoint:
            hidden.extend(endpoints)
        if any(name.startswith(_ORGANIZATIONS) for name in policies):
            hidden.append("the organization")
        self.withheld = " and ".join(hidden)
        self.all_reasons = all(self.reason(text) for text in denial["because"])

    def policy(self, name: str) -> bool:
        """Return whether a policy may be included, by its name in the trail (its kind and identification)."""
        if name.startswith(_CALLERS_OWN):
            return True
        if name.startswith(_ORGANIZATIONS):
            return False
        return self._of_endpoint if name.startswith("endpoint policy ") else self._of_resource

    def reason(self, text: str) -> bool:
        """Return whether a reason may be included, by its text."""
        if "VPC endpoint policy" in text:
            return self._of_endpoint
        return self._of_resource or not any(each in text for each in _OWNERS)


def _statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Policy": statement["policy"],
        "Statement": statement["statement"],
        "Effect": statement["effect"],
        "Document": json.dumps(statement["document"]),
        "Mismatches": list(statement["mismatches"]),
        "Conditions": [
            {
                "Operator": each["operator"],
                "Key": each["key"],
                "Wanted": list(each["wanted"]),
                "Found": list(each["actual"]),
                "Holds": each["holds"],
            }
            for each in statement["conditions"]
        ],
    }


def _account_in(arn: str) -> str:
    try:
        return Arn.parse(arn).account
    except ValueError:
        return ""
