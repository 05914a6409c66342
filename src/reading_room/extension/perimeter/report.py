"""The report: every control for every bucket, role and endpoint of an installation, read from its database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from reading_room.arns import bucket_arn
from reading_room.aws.call import Principal
from reading_room.extension.perimeter.controls import Finding, Perimeter, Remedy, State, Subject, remedy_of
from reading_room.extension.perimeter.probes import (
    DEPUTY,
    EVERYTHING,
    FOREIGN,
    OPEN_BUCKET,
    OPEN_ROLE,
    PUBLIC,
    STRANGER,
    STRANGERS,
    Network,
    Prober,
    endpoint_network,
    first_allowed,
    role_session,
    user,
)
from reading_room.iam.identities import attached, boundary_of, policies_of
from reading_room.iam.policy.evaluate import AttachedPolicy, Decision
from reading_room.iam.role_sessions import trust_policy
from reading_room.iam.tables import Role
from reading_room.organizations.view import Snapshot
from reading_room.s3.public_access import is_public, without_allows
from reading_room.s3.tables import S3Bucket
from reading_room.vpc.tables import Route, RouteTable, VpcEndpoint

_NETWORKS = 20
"""The most endpoints from which requests are made up."""
_S3 = ("s3:GetObject", "s3:PutObject", "s3:ListBucket")
_OF_SERVICE = {
    "comprehend": (
        "comprehend:DetectEntities",
        "arn:aws:comprehend:{region}:{account}:document-classifier-endpoint/any",
    ),
    "kms": ("kms:Decrypt", "arn:aws:kms:{region}:{account}:key/any"),
    "logs": ("logs:PutLogEvents", "arn:aws:logs:{region}:{account}:log-group:any:log-stream:any"),
    "s3": ("s3:PutObject", "arn:aws:s3:::any-bucket-of-{account}/any"),
    "sts": ("sts:AssumeRole", "arn:aws:iam::{account}:role/any"),
}
"""By service of an endpoint: an action that reaches a resource of any account, and such a resource."""
_ENFORCED_ELSEWHERE = "its calls concern resources of the caller's own account only"

Asked = Callable[[bool], Iterator[tuple[str, Decision]]]
"""Yields made-up requests: with the policies as they are, or with everything granted that a perimeter does not deny."""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings about an installation."""

    organization_id: str | None
    findings: tuple[Finding, ...]


def report(session: Session, organization: Snapshot | None, region: str) -> Report:
    """Return the report. Resources of the service itself are not part of it."""
    maker = _Maker(session, organization, region)
    findings = (*maker.buckets(), *maker.roles(), *maker.endpoints())
    return Report(None if organization is None else organization.arns.organization_id, findings)


class _Maker:
    def __init__(self, session: Session, organization: Snapshot | None, region: str) -> None:
        self._session = session
        self._organization = organization
        self._region = region
        self._prober = Prober(organization)
        query = select(VpcEndpoint).where(VpcEndpoint.kind != "Public").order_by(VpcEndpoint.vpc_endpoint_id)
        self._endpoints = [row for row in session.scalars(query) if row.account.isdecimal()]
        self._inside = [self._network(row) for row in self._endpoints[:_NETWORKS]]

    def _network(self, row: VpcEndpoint) -> Network:
        return endpoint_network(row.vpc_endpoint_id, row.vpc_id, row.account, self._region)

    def _finding(self, subject: Subject, perimeter: Perimeter, name: str, account: str, asked: Asked) -> Finding:
        """Ask with the policies as they are, and then with everything granted."""
        state: State = "open"
        words, decision = first_allowed(asked(False))
        if not words:
            state = "unenforced"
            words, decision = first_allowed(asked(True))
            words = words and f"nothing denies it: {words}"
        if not words:
            because = decision.reasons() if decision is not None else ""
            return Finding(subject, perimeter, name, account, "enforced", because, None)
        organization_id = None if self._organization is None else self._organization.arns.organization_id
        remedy = remedy_of(subject, perimeter, organization_id)
        return Finding(subject, perimeter, name, account, state, words, remedy)

    # Buckets.

    def buckets(self) -> Iterator[Finding]:
        for row in self._session.scalars(select(S3Bucket).order_by(S3Bucket.name)):
            if row.account.isdecimal():
                yield self._finding("bucket", "identities", row.name, row.account, self._strangers_at(row))
                yield self._guarded(row)
                yield self._finding("bucket", "networks", row.name, row.account, self._ours_from_outside(row))

    def _guarded(self, row: S3Bucket) -> Finding:
        organization, account = self._organization, row.account
        if organization is None:
            words, remedy = "there is no organization", remedy_of("bucket", "identities", None)
        elif account == organization.management:
            words = "it belongs to the management account, whose resources no resource control policy guards"
            remedy = Remedy("move its objects to a bucket of a member account")
        elif organization.place(account) is None:
            words = "its account does not belong to the organization"
            command = f"aws organizations invite-account-to-organization --target Id={account},Type=ACCOUNT"
            remedy = Remedy("invite the account, which must accept", command=command)
        else:
            because = "its account is a member of the organization"
            return Finding("bucket", "resources", row.name, account, "enforced", because, None)
        return Finding("bucket", "resources", row.name, account, "open", words, remedy)

    def _strangers_at(self, row: S3Bucket) -> Asked:
        def asked(granted: bool) -> Iterator[tuple[str, Decision]]:
            for network in (PUBLIC, *self._inside):
                for caller in STRANGERS:
                    policies = _bucket_policies(row, caller, granted)
                    for action in _S3:
                        words = f"{_who(caller)} may call {action} from {network.words}"
                        yield words, self._at_bucket(row, caller, action, network, [*policies, EVERYTHING])

        return asked

    def _ours_from_outside(self, row: S3Bucket) -> Asked:
        def asked(granted: bool) -> Iterator[tuple[str, Decision]]:
            caller = user(row.account)
            policies = [*_bucket_policies(row, caller, granted), EVERYTHING]
            for network in (PUBLIC, FOREIGN):
                for action in _S3:
                    words = f"a user of the account may call {action} from {network.words}"
                    yield words, self._at_bucket(row, caller, action, network, policies)

        return asked

    def _at_bucket(
        self, row: S3Bucket, caller: Principal, action: str, network: Network, policies: Sequence[AttachedPolicy]
    ) -> Decision:
        arn = bucket_arn(row.name) if action == "s3:ListBucket" else bucket_arn(row.name, "any")
        more = {"s3:ResourceAccount": (row.account,)}
        return self._prober.decide(caller, action, arn, row.account, network, policies, more)

    # Roles.

    def roles(self) -> Iterator[Finding]:
        for row in self._session.scalars(select(Role).order_by(Role.account, Role.name)):
            if row.account.isdecimal():
                yield self._finding("role", "identities", row.arn, row.account, self._strangers_assume(row))
                yield self._finding("role", "resources", row.arn, row.account, self._role_reaches(row))
                yield self._finding("role", "networks", row.arn, row.account, self._role_from_outside(row))

    def _strangers_assume(self, row: Role) -> Asked:
        trust = trust_policy(row)

        def asked(granted: bool) -> Iterator[tuple[str, Decision]]:
            policies = [trust, EVERYTHING, *([OPEN_ROLE] if granted else [])]
            for caller in STRANGERS[:2]:
                decision = self._prober.decide(caller, "sts:AssumeRole", row.arn, row.account, PUBLIC, policies)
                yield f"{_who(caller)} may assume it", decision
            source = {"aws:SourceAccount": (STRANGER,)}
            decision = self._prober.decide(DEPUTY, "sts:AssumeRole", row.arn, row.account, PUBLIC, [trust], source)
            yield f"{DEPUTY.service_name} may assume it for another account", decision

        return asked

    def _role_policies(self, row: Role, granted: bool) -> list[AttachedPolicy]:
        if granted:
            return [EVERYTHING]
        found = [
            attached("identity", "inline", owned.title, owned.document) for owned in policies_of(self._session, row)
        ]
        boundary = boundary_of(self._session, row)
        if boundary is not None:
            found.append(attached("boundary", "managed", boundary.title, boundary.document))
        return found

    def _role_reaches(self, row: Role) -> Asked:
        caller = role_session(row.arn, row.account, row.unique_id)
        outside = f"arn:aws:s3:::any-bucket-of-{STRANGER}/any"

        def asked(granted: bool) -> Iterator[tuple[str, Decision]]:
            policies = [*self._role_policies(row, granted), OPEN_BUCKET]
            for network in (PUBLIC, *self._inside):
                for action in _S3[:2]:
                    words = f"it may call {action} on a bucket of another account from {network.words}"
                    yield words, self._prober.decide(caller, action, outside, STRANGER, network, policies)

        return asked

    def _role_from_outside(self, row: Role) -> Asked:
        caller = role_session(row.arn, row.account, row.unique_id)
        names = select(S3Bucket.name).where(S3Bucket.account == row.account).order_by(S3Bucket.name)
        own = [bucket_arn(name, "any") for name in self._session.scalars(names)] or ["arn:aws:s3:::any-bucket/any"]

        def asked(granted: bool) -> Iterator[tuple[str, Decision]]:
            policies = self._role_policies(row, granted)
            for network in (PUBLIC, FOREIGN):
                for resource in own:
                    for action in _S3[:2]:
                        words = f"it may call {action} on {resource} from {network.words}"
                        yield words, self._prober.decide(caller, action, resource, row.account, network, policies)

        return asked

    # Endpoints.

    def endpoints(self) -> Iterator[Finding]:
        for row in self._endpoints:
            name = row.vpc_endpoint_id
            yield self._finding("endpoint", "identities", name, row.account, self._strangers_through(row))
            yield self._resources_through(row)
            yield self._other_ways(row)

    def _strangers_through(self, row: VpcEndpoint) -> Asked:
        action, _ = _asked_of(row)

        def asked(granted: bool) -> Iterator[tuple[str, Decision]]:
            policies = [_endpoint_policy(row), OPEN_BUCKET, EVERYTHING]
            for caller in STRANGERS:
                for owner in (row.account, STRANGER):
                    resource = self._resource(row, owner)
                    where = "in your account" if owner == row.account else "in an account of its own"
                    words = f"{_who(caller)} may call {action} through it, on a resource {where}"
                    yield words, self._through(row, caller, action, resource, owner, policies)

        return asked

    def _resources_through(self, row: VpcEndpoint) -> Finding:
        action, resource = _asked_of(row)
        if resource == "*":
            return Finding(
                "endpoint", "resources", row.vpc_endpoint_id, row.account, "enforced", _ENFORCED_ELSEWHERE, None
            )

        def asked(granted: bool) -> Iterator[tuple[str, Decision]]:
            policies = [_endpoint_policy(row), OPEN_BUCKET, EVERYTHING]
            words = f"a user of your account may call {action} on a resource of another account"
            caller = user(row.account)
            yield words, self._through(row, caller, action, self._resource(row, STRANGER), STRANGER, policies)

        return self._finding("endpoint", "resources", row.vpc_endpoint_id, row.account, asked)

    def _through(
        self,
        row: VpcEndpoint,
        caller: Principal,
        action: str,
        resource: str,
        owner: str,
        policies: Sequence[AttachedPolicy],
    ) -> Decision:
        # Only the endpoint's own policy is asked; those of the organization are other controls.
        network = self._network(row)
        return self._prober.decide(caller, action, resource, owner, network, policies, bound=False)

    def _resource(self, row: VpcEndpoint, account: str) -> str:
        return _asked_of(row)[1].format(region=self._region, account=account)

    def _other_ways(self, row: VpcEndpoint) -> Finding:
        tables = select(RouteTable.route_table_id).where(RouteTable.vpc_id == row.vpc_id)
        ways = or_(Route.target.startswith("igw-"), Route.target.startswith("nat-"))
        routes = self._session.scalars(select(Route).where(Route.route_table_id.in_(tables), ways))
        found = sorted((route.route_table_id, route.destination, route.target) for route in routes)
        name = row.vpc_endpoint_id
        if not found:
            because = "no route table of its VPC has a route to an internet or NAT gateway"
            return Finding("endpoint", "networks", name, row.account, "enforced", because, None)
        table, destination, target = found[0]
        words = f"{table} has a route from {destination} to {target}"
        command = f"aws ec2 delete-route --route-table-id {table} --destination-cidr-block {destination}"
        return Finding(
            "endpoint", "networks", name, row.account, "open", words, Remedy("delete the route", command=command)
        )


def _asked_of(row: VpcEndpoint) -> tuple[str, str]:
    service = row.service_name.rpartition(".")[2]
    return _OF_SERVICE.get(service, (f"{service}:DescribeAnything", "*"))


def _endpoint_policy(row: VpcEndpoint) -> AttachedPolicy:
    found = attached("endpoint", "endpoint", f"endpoint {row.vpc_endpoint_id}", row.policy)
    return AttachedPolicy(found.kind, found.policy, found.name, row.kind == "Gateway")


def _bucket_policies(row: S3Bucket, caller: Principal, granted: bool) -> list[AttachedPolicy]:
    """Return a bucket's policy as it applies to a caller, or with a grant to everybody beside its denies."""
    text = row.pinned_policy
    restricted = bool((row.public_access_block or {}).get("RestrictPublicBuckets"))
    if text is not None and restricted and caller.account != row.account and is_public(text):
        text = without_allows(text)
    found = [] if text is None else [attached("resource", "bucket", f"of {row.name}", text)]
    return [*found, OPEN_BUCKET] if granted else found


def _who(caller: Principal) -> str:
    if caller.kind == "anonymous":
        return "everybody, without a signature,"
    return f"a {'role' if caller.kind == 'session' else caller.kind} of another account"
