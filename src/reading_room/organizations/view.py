"""The organization as decisions see it: read once, and cached until one of its tables is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.aws.operations import ContextValues
from reading_room.database.engine import Database
from reading_room.database.kept import Kept
from reading_room.iam.identities import attached
from reading_room.iam.organization import SHORT_ARN, Place
from reading_room.iam.policy.evaluate import AttachedPolicy, PolicyKind
from reading_room.organizations import organization, units
from reading_room.organizations.arns import Arns
from reading_room.organizations.kinds import AWS_POLICIES, KINDS, RESOURCE_CONTROL, SERVICE_CONTROL, Kind
from reading_room.organizations.tables import Attachment, ControlPolicy, Member, Organization, ResourceTags, Unit

_TABLES = (Attachment, ControlPolicy, Member, Organization, ResourceTags, Unit)
_KINDS: Mapping[Kind, PolicyKind] = {SERVICE_CONTROL: "scp", RESOURCE_CONTROL: "rcp"}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The organization at one moment. Places are made when they are first asked for."""

    management: str
    arns: Arns
    root_id: str
    parents: Mapping[str, str]
    """The parent of each unit and account."""
    policies: Mapping[str, Mapping[PolicyKind, tuple[AttachedPolicy, ...]]]
    """The policies on the root, each unit and each account, by kind."""
    kinds: Mapping[str, str]
    """The kind of each policy that somebody wrote."""
    tags: Mapping[str, Mapping[str, str]]
    _places: dict[str, Place] = field(default_factory=dict)

    def place(self, account: str) -> Place | None:
        """Return the place of an account, or ``None`` if it does not belong to the organization."""
        found = self._places.get(account)
        if found is None and account in self.parents:
            found = self._places[account] = self._made(account)
        return found

    def _made(self, account: str) -> Place:
        levels = self.path(account)
        organization_id = self.arns.organization_id
        path = "/".join([organization_id, *levels[:-1]]) + "/"

        def keys(name: str) -> ContextValues:
            return {f"aws:{name}OrgID": (organization_id,), f"aws:{name}OrgPaths": (path,)}

        def on_path(kind: PolicyKind) -> tuple[AttachedPolicy, ...]:
            if account == self.management:
                return ()
            return tuple(policy for level in levels for policy in self.policies.get(level, {}).get(kind, ()))

        return Place(
            principal_keys=keys("Principal"),
            resource_keys=keys("Resource"),
            source_keys=keys("Source"),
            endpoint_keys=keys("Vpce"),
            limits=on_path("scp"),
            guards=on_path("rcp"),
        )

    def path(self, account: str) -> list[str]:
        """Return the ids from the root to an account, both included."""
        path = [account]
        while path[-1] != self.root_id:
            path.append(self.parents[path[-1]])
        return path[::-1]

    def named(self, arns: Sequence[str]) -> tuple[tuple[str, ...], ContextValues]:
        """Return the full ARNs of the resources that a call names, and their tags and kind as condition keys.

        An id that belongs to nothing stays as it is: the operation reports it.
        """
        ids = [arn.removeprefix(SHORT_ARN) for arn in arns]
        context: dict[str, Sequence[str]] = {}
        for each in ids:
            for key, value in self.tags.get(each, {}).items():
                context[f"aws:ResourceTag/{key}"] = (value,)
            if each in self.kinds:
                context["organizations:PolicyType"] = (self.kinds[each],)
        return tuple(map(self._arn, ids)), context

    def _arn(self, resource_id: str) -> str:
        if resource_id.startswith(("arn:", "*")):
            return resource_id
        if resource_id.startswith("p-"):
            return self.arns.policy(self.kinds.get(resource_id, "*"), resource_id)
        if resource_id.startswith("h-"):
            return self.arns.handshake(resource_id)
        return self.arns.target(resource_id)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the cache has, since it does not keep ``None``."""

    snapshot: Snapshot | None


class CurrentOrganization:
    """Returns the organization as it is now (``iam.organization.Organizations``). Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept = Kept[str, _Found](database, *_TABLES)
        self._reader = self._read

    def __call__(self) -> Snapshot | None:
        """Return it, or ``None`` if there is none."""
        found = self._kept.get("", self._reader)
        return None if found is None else found.snapshot

    def _read(self, _: str) -> _Found:
        with self._database.reading() as session:
            found = organization.find(session)
            return _Found(None if found is None else _snapshot(session, found))


def _snapshot(session: Session, found: Organization) -> Snapshot:
    members = session.execute(select(Member.account, Member.parent_id)).all()
    written = {row.policy_id: row for row in session.scalars(select(ControlPolicy))}
    on: dict[str, dict[PolicyKind, tuple[AttachedPolicy, ...]]] = {}
    rows = session.scalars(select(Attachment).order_by(Attachment.target_id, Attachment.policy_id))
    for row in rows:
        kind: Kind = SERVICE_CONTROL if row.kind == SERVICE_CONTROL else RESOURCE_CONTROL
        by_kind = on.setdefault(row.target_id, {})
        policy = _policy(kind, row.policy_id, row.target_id, written)
        by_kind[_KINDS[kind]] = (*by_kind.get(_KINDS[kind], ()), policy)
    return Snapshot(
        management=found.account,
        arns=Arns.of(found),
        root_id=found.root_id,
        parents={**units.parents(session), **{row.account: row.parent_id for row in members}},
        policies=on,
        kinds={policy_id: row.kind for policy_id, row in written.items()}
        | {policy_id: policy.kind for policy_id, policy in AWS_POLICIES.items()},
        tags={
            row.resource_id: {tag["Key"]: tag["Value"] for tag in json.loads(row.tags)}
            for row in session.scalars(select(ResourceTags))
        },
    )


def _policy(kind: Kind, policy_id: str, target_id: str, written: Mapping[str, ControlPolicy]) -> AttachedPolicy:
    """Return an attached policy for decisions. Its text is parsed once, wherever it is attached."""
    if policy_id in AWS_POLICIES:
        name, content = AWS_POLICIES[policy_id].name, AWS_POLICIES[policy_id].content
    else:
        # A policy in use cannot be deleted. If it is missing nevertheless, "" denies everything.
        row = written.get(policy_id)
        name, content = (row.name, row.content) if row is not None else ("", "")
    title = f"{policy_id} ({name}) attached to {target_id}"
    found = attached(_KINDS[kind], KINDS[kind].use, title, content)
    return AttachedPolicy(found.kind, found.policy, found.name, level=target_id)
