"""Made-up requests that a perimeter should deny, decided as real ones are.

A request comes from somebody outside, goes to something outside, or comes over a network outside. Everything else about
it is as the perimeter wants it, so that one control does not hide that another is missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reading_room.aws.call import ANONYMOUS, Principal
from reading_room.iam.authorizer import principal_context
from reading_room.iam.organization import Organization, guards_of, limits_of, organization_keys
from reading_room.iam.policy.document import parse
from reading_room.iam.policy.evaluate import AttachedPolicy, Decision, Request, decide
from reading_room.iam.principals import service_principal

STRANGER = "999999999999"
OUTSIDE_ADDRESS = "203.0.113.200"
_OUTSIDE_ENDPOINT = "vpce-0ffffffffffffffff"
_ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_TRUST: dict[str, Any] = {"Effect": "Allow", "Action": "sts:*", "Principal": {"AWS": "*"}}
Context = Mapping[str, Sequence[str]]


def _policy(kind: Any, use: Any, statement: Mapping[str, Any]) -> AttachedPolicy:
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return AttachedPolicy(kind, parse(text, use), "that allows everything")


EVERYTHING = _policy("identity", "inline", _ALLOW)
"""A caller's own policy that allows everything."""
OPEN_BUCKET = _policy("resource", "endpoint", {**_ALLOW, "Principal": "*"})
"""A policy of a resource that lets everybody do everything."""
OPEN_ROLE = _policy("trust", "trust", _TRUST)


@dataclass(frozen=True, slots=True)
class Network:
    """Where a request comes from."""

    words: str
    keys: Context


PUBLIC = Network("the internet", {"aws:SourceIp": (OUTSIDE_ADDRESS,), "aws:SecureTransport": ("true",)})
FOREIGN = Network(
    "an endpoint of another account",
    {
        "aws:SourceVpce": (_OUTSIDE_ENDPOINT,),
        "aws:SourceVpc": ("vpc-0ffffffffffffffff",),
        "aws:SourceVpcArn": (f"arn:aws:ec2:us-east-1:{STRANGER}:vpc/vpc-0ffffffffffffffff",),
        "aws:VpcSourceIp": ("10.0.0.9",),
        "aws:VpceAccount": (STRANGER,),
        "aws:SecureTransport": ("true",),
    },
)


def endpoint_network(vpc_endpoint_id: str, vpc_id: str, account: str, region: str) -> Network:
    """Return the network of an endpoint of the installation."""
    keys = {
        "aws:SourceVpce": (vpc_endpoint_id,),
        "aws:SourceVpc": (vpc_id,),
        "aws:SourceVpcArn": (f"arn:aws:ec2:{region}:{account}:vpc/{vpc_id}",),
        "aws:VpcSourceIp": ("10.0.0.9",),
        "aws:VpceAccount": (account,),
        "aws:SecureTransport": ("true",),
    }
    return Network(vpc_endpoint_id, keys)


def user(account: str) -> Principal:
    """Return a user of an account."""
    return Principal("user", account, f"arn:aws:iam::{account}:user/anybody", "AIDAANYBODY000000000", "anybody")


def role_session(role_arn: str, account: str, unique_id: str = "AROAANYBODY000000000") -> Principal:
    """Return a session of a role."""
    name = role_arn.rpartition("/")[2]
    session = f"arn:aws:sts::{account}:assumed-role/{name}/anybody"
    return Principal("session", account, session, f"{unique_id}:anybody", role_arn=role_arn)


STRANGERS = (user(STRANGER), role_session(f"arn:aws:iam::{STRANGER}:role/anybody", STRANGER), ANONYMOUS)
DEPUTY = service_principal("comprehend.amazonaws.com")
"""A service that acts for somebody outside."""


@dataclass(frozen=True, slots=True)
class Prober:
    """Decides made-up requests in an installation."""

    organization: Organization | None

    def decide(
        self,
        caller: Principal,
        action: str,
        resource: str,
        owner: str,
        network: Network,
        policies: Iterable[AttachedPolicy],
        more: Context | None = None,
        bound: bool = True,
    ) -> Decision:
        """Decide a request with some policies, and if it is ``bound`` with those of the organization."""
        keys = {**network.keys, "aws:ViaAWSService": ("false",), "aws:ResourceAccount": (owner,), **(more or {})}
        context = {**keys, **principal_context(caller)}
        attached = list(policies)
        if self.organization is not None:
            context |= organization_keys(self.organization, caller, context)
            if bound:
                attached += limits_of(self.organization, caller)
                attached += guards_of(self.organization, action, owner)
        return decide(Request(caller, action, (resource,), owner, context), attached)


def first_allowed(decisions: Iterator[tuple[str, Decision]]) -> tuple[str, Decision | None]:
    """Return the words of the first request that is allowed; else no words, and the last denial."""
    last = None
    for words, decision in decisions:
        if decision.allowed:
            return words, decision
        last = decision
    return "", last
