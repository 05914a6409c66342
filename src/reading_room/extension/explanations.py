"""What an account may be told of its own requests: calls and denials of the trail, without what other accounts own."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any

from reading_room.arns import Arn
from reading_room.trail.lookup import moment_of

EndpointOwner = Callable[[str], str | None]
"""Returns the account of a VPC endpoint, ``None`` where there is none."""
_CALLERS_OWN = ("identity policy ", "boundary policy ", "session policy ")
"""How the policies that a caller brings itself are named in a denial."""


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
    """Say whether the denied request was one of an account: whose caller belongs to it."""
    return _account_in(str(denial["principal"])) == account


def denial_structure(denial: Mapping[str, Any], account: str, endpoint_owner: EndpointOwner) -> dict[str, Any]:
    """Return a denial of an account's request as ``Denial``.

    Policies of buckets, roles and endpoints of other accounts are theirs: S3 tells a stranger nothing of them, and
    neither does this.
    """
    told = _Told(denial, account, endpoint_owner)
    members: dict[str, Any] = {
        "RequestId": denial["requestID"],
        "At": dt.datetime.fromisoformat(denial["at"]),
        "Decision": denial["outcome"],
        "PrincipalArn": denial["principal"],
        "Action": denial["action"],
        "Resource": denial["resource"],
        "Message": denial["message"] if told.all_reasons else None,
        "Because": [text for text in denial["because"] if told.reason(text)],
        "DecidingStatements": [_statement(each) for each in denial.get("deciding", ()) if told.policy(each["policy"])],
        "ClosestStatements": [_statement(each) for each in denial.get("closest", ()) if told.policy(each["policy"])],
        "Policies": [name for name in denial.get("policies", ()) if told.policy(name)],
        "Context": [{"Key": key, "Values": values} for key, values in denial.get("context", {}).items()],
    }
    if members["Message"] is None:
        members["Message"] = f"{denial['principal']} is not authorized to perform {denial['action']}"
    if told.withheld:
        members["Withheld"] = f"Policies of {told.withheld}: they belong to another account, whose owner can tell."
    return members


class _Told:
    """Which parts of a denial an account may read."""

    def __init__(self, denial: Mapping[str, Any], account: str, endpoint_owner: EndpointOwner) -> None:
        context = {key.lower(): values for key, values in denial.get("context", {}).items()}
        named = _account_in(str(denial["resource"]))
        owners = [named] if named else context.get("aws:resourceaccount", [])
        self._of_resource = list(owners) == [account]
        endpoints = context.get("aws:sourcevpce", [])
        self._of_endpoint = all(endpoint_owner(each) == account for each in endpoints)
        policies = [str(name) for name in denial.get("policies", ())]
        hidden = []
        if not self._of_resource and any(not self.policy(name) for name in policies if "endpoint policy" not in name):
            hidden.append(str(denial["resource"]))
        if not self._of_endpoint:
            hidden.extend(endpoints)
        self.withheld = " and ".join(hidden)
        self.all_reasons = all(self.reason(text) for text in denial["because"])

    def policy(self, name: str) -> bool:
        """Say whether a policy may be told, by its name in the trail: the kind, and which one."""
        if name.startswith(_CALLERS_OWN):
            return True
        return self._of_endpoint if name.startswith("endpoint policy ") else self._of_resource

    def reason(self, text: str) -> bool:
        """Say whether a reason may be told, by its words."""
        if "VPC endpoint policy" in text:
            return self._of_endpoint
        return self._of_resource or not ("resource-based policy" in text or "role trust policy" in text)


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
