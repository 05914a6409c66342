"""Decisions over ten policies of twenty statements, without and with those of an organization: a cost of every call."""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Iterator
from typing import Any

from bench.report import Row, record
from reading_room.aws.call import Principal
from reading_room.iam.policy.document import parse
from reading_room.iam.policy.evaluate import AttachedPolicy, Request, decide

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/data/reader"
POLICIES, STATEMENTS, ROUNDS = 10, 20, 2_000
_SERVICES = {
    "s3": ("GetObject", "PutObject", "ListBucket", "DeleteObject", "GetObjectTagging", "Get*", "List*", "*"),
    "ec2": ("DescribeVpcs", "CreateNetworkInterface", "DeleteNetworkInterface", "Describe*", "CreateTags", "*"),
    "comprehend": ("StartPiiEntitiesDetectionJob", "Describe*", "List*", "DetectEntities", "Start*Job", "*"),
    "iam": ("PassRole", "GetRole", "List*", "Get*", "CreateUser"),
    "logs": ("CreateLogStream", "PutLogEvents", "Describe*"),
}
_RESOURCES = {
    "s3": ("arn:aws:s3:::corpus-{n}/*", "arn:aws:s3:::corpus-{n}", "arn:aws:s3:::home/${{aws:username}}/*", "*"),
    "ec2": ("arn:aws:ec2:*:111122223333:network-interface/*", "arn:aws:ec2:us-east-1:*:vpc/vpc-{n}", "*"),
    "comprehend": ("arn:aws:comprehend:*:111122223333:*/team-{n}-*", "*"),
    "iam": ("arn:aws:iam::111122223333:role/data/*", "arn:aws:iam::*:role/team-{n}/*"),
    "logs": ("arn:aws:logs:us-east-1:111122223333:log-group:/jobs/{n}:*", "*"),
}
_CONDITIONS: tuple[dict[str, Any], ...] = (
    {"StringEquals": {"aws:SourceVpce": ["vpce-1a2b3c4d", "vpce-0f0f0f0f"]}},
    {"StringNotEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}},
    {"IpAddress": {"aws:VpcSourceIp": ["10.0.0.0/16", "10.1.0.0/16"]}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/data/*"}},
    {"Bool": {"aws:SecureTransport": "true"}, "StringLike": {"aws:PrincipalTag/team": "team-*"}},
    {"Null": {"s3:x-amz-server-side-encryption": "true"}},
    {"DateLessThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}},
    {"ForAllValues:StringEquals": {"comprehend:VpcSubnets": ["subnet-1a2b3c4d", "subnet-5e6f7a8b"]}},
)
CALLER = Principal(
    "session", ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/job", "AROAEXAMPLEROLE000001:job", role_arn=ROLE
)
CONTEXT = {
    "aws:SecureTransport": ("true",),
    "aws:CurrentTime": ("2025-06-01T12:00:00Z",),
    "aws:EpochTime": ("1748779200",),
    "aws:RequestedRegion": ("us-east-1",),
    "aws:ViaAWSService": ("false",),
    "aws:UserAgent": ("Boto3/1.44",),
    "aws:SourceVpc": ("vpc-1a2b3c4d",),
    "aws:SourceVpce": ("vpce-1a2b3c4d",),
    "aws:VpcSourceIp": ("10.0.0.17",),
    "aws:PrincipalAccount": (ACCOUNT,),
    "aws:PrincipalType": ("AssumedRole",),
    "aws:PrincipalArn": (ROLE,),
    "aws:PrincipalIsAWSService": ("false",),
    "aws:PrincipalTag/team": ("team-7",),
    "aws:userid": ("AROAEXAMPLEROLE000001:job",),
    "aws:ResourceAccount": (ACCOUNT,),
    "s3:authType": ("REST-HEADER",),
    "s3:signatureversion": ("AWS4-HMAC-SHA256",),
}
ORG = "o-a1b2c3d4e5"
ORGANIZATION = {
    "aws:PrincipalOrgID": (ORG,),
    "aws:PrincipalOrgPaths": (f"{ORG}/r-ab12/ou-ab12-11111111/",),
    "aws:ResourceOrgID": (ORG,),
    "aws:ResourceOrgPaths": (f"{ORG}/r-ab12/ou-ab12-11111111/",),
    "aws:VpceOrgID": (ORG,),
    "aws:VpceAccount": (ACCOUNT,),
}
_EXEMPT = {"aws:PrincipalTag/perimeter": "outside"}
_LIMITS: tuple[dict[str, Any], ...] = (
    {
        "Effect": "Deny",
        "Action": "*",
        "NotResource": ["arn:aws:iam::aws:policy/*", "arn:aws:s3:::shared-*", "arn:aws:s3:::shared-*/*"],
        "Condition": {"StringNotEqualsIfExists": {"aws:ResourceOrgID": ORG, **_EXEMPT}},
    },
    {
        "Effect": "Deny",
        "Action": ["s3:*", "logs:*", "sts:*"],
        "Condition": {
            "NotIpAddressIfExists": {"aws:SourceIp": "198.51.100.0/24"},
            "StringNotEqualsIfExists": {"aws:VpceOrgID": ORG, **_EXEMPT},
            "BoolIfExists": {"aws:ViaAWSService": "false"},
        },
    },
)
_ALL_RESOURCES = {"Effect": "Allow", "Principal": "*", "Action": "*"}
_GUARDS: tuple[dict[str, Any], ...] = (
    {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:*", "sts:*", "logs:*"],
        "Condition": {
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORG, **_EXEMPT},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        },
    },
)
"""Statements like those with which AWS's documents make a perimeter."""
ASKED = (
    ("s3:GetObject", "arn:aws:s3:::corpus-3/reviews/2025/06/batch-000017.txt"),
    ("s3:PutObject", "arn:aws:s3:::home/anybody/out.tar.gz"),
    ("s3:ListBucket", "arn:aws:s3:::corpus-11"),
    ("ec2:CreateNetworkInterface", f"arn:aws:ec2:us-east-1:{ACCOUNT}:network-interface/eni-1a2b3c4d"),
    ("comprehend:StartPiiEntitiesDetectionJob", "*"),
    ("iam:PassRole", ROLE),
    ("ec2:DescribeVpcs", "*"),
)


def main() -> None:
    """Measure and record."""
    record("Decisions", list(_rows()))


def policies(seed: int = 5) -> list[AttachedPolicy]:
    """Return ten policies of twenty realistic statements, with wildcards, conditions and variables."""
    chance = random.Random(seed)
    made = [_policy(chance, number) for number in range(POLICIES - 1)]
    return [*made, AttachedPolicy("endpoint", _parsed(chance, "endpoint", Principal="*"), "of the endpoint", False)]


def organization_policies() -> list[AttachedPolicy]:
    """Return what is on the path of an account: five service control policies, and five resource control policies."""
    found = []
    for level in ("r-ab12", "ou-ab12-11111111", ACCOUNT):
        found += [_level("scp", level, {"Effect": "Allow", "Action": "*"}), _level("rcp", level, _ALL_RESOURCES)]
    for level in ("r-ab12", "ou-ab12-11111111"):
        found += [_level("scp", level, *_LIMITS), _level("rcp", level, *_GUARDS)]
    return found


def _level(kind: Any, level: str, *entries: dict[str, Any]) -> AttachedPolicy:
    statements = [entry if "NotResource" in entry else {**entry, "Resource": "*"} for entry in entries]
    policy = parse(json.dumps({"Version": "2012-10-17", "Statement": statements}), kind)
    return AttachedPolicy(kind, policy, f"{len(statements)} attached to {level}", level=level)


def _policy(chance: random.Random, number: int) -> AttachedPolicy:
    return AttachedPolicy("identity", _parsed(chance, "inline"), f"policy-{number}")


def _parsed(chance: random.Random, use: Any, **more: Any) -> Any:
    entries = [{**_statement(chance), **more} for _ in range(STATEMENTS)]
    return parse(json.dumps({"Version": "2012-10-17", "Statement": entries}), use)


def _statement(chance: random.Random) -> dict[str, Any]:
    service = chance.choice(list(_SERVICES))
    number = chance.randrange(20)
    entry: dict[str, Any] = {
        "Effect": "Allow",
        "Action": [f"{service}:{name}" for name in chance.sample(_SERVICES[service], 3)],
        "Resource": [text.format(n=number) for text in chance.sample(_RESOURCES[service], 2)],
    }
    if chance.random() < 0.1:
        # A deny that never matches here, so that all of every policy is evaluated.
        entry["Effect"], entry["Condition"] = "Deny", {"StringEquals": {"aws:PrincipalTag/team": "nobody"}}
    elif chance.random() < 0.6:
        entry["Condition"] = chance.choice(_CONDITIONS)
    return entry


def _rows() -> Iterator[Row]:
    attached = policies()
    how = "wildcards, variables and conditions in a seeded mix; policies parsed before, as they are in the product"
    yield _row("one decision, ten policies of twenty statements", attached, CONTEXT, "50 µs", how)
    levels = organization_policies()
    how += "; denies with AWS's conditions for a perimeter on two levels of three, AWS's own policies on every level"
    title = "one decision, with 5 service and 5 resource control policies on the path"
    yield _row(title, [*attached, *levels], {**CONTEXT, **ORGANIZATION}, "80 µs", how)


def _row(title: str, attached: list[AttachedPolicy], context: Any, target: str, how: str) -> Row:
    requests = [Request(CALLER, action, (resource,), ACCOUNT, context) for action, resource in ASKED]
    times = [_timed(request, attached) for request in requests]
    allowed = sum(decide(request, attached).allowed for request in requests)
    micros = [statistics.median(each) * 1e6 for each in times]
    rounds = f"median of {ROUNDS} rounds of each of {len(ASKED)} requests ({allowed} allowed); "
    middle = statistics.median([seconds for each in times for seconds in each]) * 1e6
    figure = f"{middle:.1f} µs (by request {min(micros):.1f} to {max(micros):.1f})"
    return Row(title, figure, target, rounds + how)


def _timed(request: Request, attached: list[AttachedPolicy]) -> list[float]:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        decide(request, attached)
        times.append(time.perf_counter() - began)
    return times
