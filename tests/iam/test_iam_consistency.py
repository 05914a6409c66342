"""After any sequence of changes to users, groups, roles and policies, no row refers to a deleted entity."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.aws.errors import AwsError
from reading_room.database.engine import Database
from reading_room.iam import attached_policies, entities, groups, inline_policies, managed_policies, roles, users
from reading_room.iam.tables import (
    AttachedManagedPolicy,
    Group,
    GroupMember,
    InlinePolicy,
    ManagedPolicy,
    PolicyVersion,
    Role,
    User,
)
from tests.worlds.iam import policy, trust

ACCOUNT = "000000000001"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
OWN = f"arn:aws:iam::{ACCOUNT}:policy/"
names = st.sampled_from(["one", "ONE", "two"])
arns = st.sampled_from([f"{OWN}one", f"{OWN}two", "arn:aws:iam::aws:policy/ReadOnlyAccess"])
models: st.SearchStrategy[type[User] | type[Group] | type[Role]] = st.sampled_from([User, Group, Role])
bounded: st.SearchStrategy[type[User] | type[Role]] = st.sampled_from([User, Role])


class Account(RuleBasedStateMachine):
    """One account with arbitrary changes. Refused ones change nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.database = Database.open(None)
        self.database.create_tables()

    def attempt(self, change: Callable[[Session], Any]) -> None:
        """Make a change in a transaction; an AWS error rolls it back."""
        with contextlib.suppress(AwsError), self.database.transaction() as session:
            change(session)

    @rule(name=names, boundary=st.none() | arns)
    def create_user(self, name: str, boundary: str | None) -> None:
        self.attempt(lambda session: users.create(session, ACCOUNT, name, NOW, boundary=boundary))

    @rule(name=names, boundary=st.none() | arns)
    def create_role(self, name: str, boundary: str | None) -> None:
        document = trust({"AWS": ACCOUNT})
        self.attempt(lambda session: roles.create(session, ACCOUNT, name, document, NOW, boundary=boundary))

    @rule(name=names)
    def create_group(self, name: str) -> None:
        self.attempt(lambda session: groups.create(session, ACCOUNT, name, NOW))

    @rule(name=names)
    def create_policy(self, name: str) -> None:
        self.attempt(lambda session: managed_policies.create(session, ACCOUNT, name, policy(), NOW))

    @rule(model=models, name=names)
    def delete_owner(self, model: type[User | Group | Role], name: str) -> None:
        def delete(session: Session) -> None:
            row = entities.get(session, model, ACCOUNT, name)
            if isinstance(row, User):
                users.delete(session, row)
            elif isinstance(row, Group):
                groups.delete(session, row)
            else:
                roles.delete(session, row)

        self.attempt(delete)

    @rule(arn=arns, default=st.booleans())
    def create_version(self, arn: str, default: bool) -> None:
        self.attempt(
            lambda session: managed_policies.create_version(
                session, managed_policies.own(session, ACCOUNT, arn, "", ""), policy(), NOW, default=default
            )
        )

    @rule(arn=arns, version=st.sampled_from(["v1", "v2", "v3"]))
    def delete_version(self, arn: str, version: str) -> None:
        self.attempt(
            lambda session: managed_policies.delete_version(
                session, managed_policies.own(session, ACCOUNT, arn, "", ""), version
            )
        )

    @rule(arn=arns)
    def delete_policy(self, arn: str) -> None:
        self.attempt(
            lambda session: managed_policies.delete(session, managed_policies.own(session, ACCOUNT, arn, "", ""))
        )

    @rule(model=models, name=names, arn=arns, on=st.booleans())
    def attach_or_detach(self, model: type[User | Group | Role], name: str, arn: str, on: bool) -> None:
        change = attached_policies.attach if on else attached_policies.detach
        self.attempt(lambda session: change(session, entities.get(session, model, ACCOUNT, name), arn))

    @rule(model=models, name=names, on=st.booleans())
    def put_or_delete_inline(self, model: type[User | Group | Role], name: str, on: bool) -> None:
        def change(session: Session) -> None:
            row = entities.get(session, model, ACCOUNT, name)
            if on:
                inline_policies.put(session, model.kind, row.unique_id, row.name, "p", policy())
            else:
                inline_policies.delete(session, model.kind, row.unique_id, "p")

        self.attempt(change)

    @rule(model=bounded, name=names, arn=st.none() | arns)
    def bound(self, model: type[User | Role], name: str, arn: str | None) -> None:
        def change(session: Session) -> None:
            row = entities.get(session, model, ACCOUNT, name)
            if arn is None:
                attached_policies.delete_boundary(row)
            else:
                attached_policies.put_boundary(session, row, arn)

        self.attempt(change)

    @rule(group=names, user=names, on=st.booleans())
    def join_or_leave(self, group: str, user: str, on: bool) -> None:
        change = groups.add if on else groups.remove
        self.attempt(
            lambda session: change(
                session, entities.get(session, Group, ACCOUNT, group), entities.get(session, User, ACCOUNT, user)
            )
        )

    @rule(name=names, new_name=names)
    def rename(self, name: str, new_name: str) -> None:
        self.attempt(
            lambda session: entities.rename(session, entities.get(session, User, ACCOUNT, name), new_name, "/x/")
        )

    @invariant()
    def nothing_speaks_of_what_is_gone(self) -> None:
        with self.database.reading() as session:
            bounded: list[User | Role] = [*entities.every(session, User, ACCOUNT)]
            bounded.extend(entities.every(session, Role, ACCOUNT))
            owners = {row.unique_id: row for row in (*bounded, *entities.every(session, Group, ACCOUNT))}
            for attached in session.scalars(select(AttachedManagedPolicy)):
                assert attached.owner_id in owners
                assert managed_policies.find(session, ACCOUNT, attached.policy_arn) is not None
            for inline in session.scalars(select(InlinePolicy)):
                assert inline.owner_id in owners
            for member in session.scalars(select(GroupMember)):
                assert isinstance(owners[member.group_id], Group)
                assert isinstance(owners[member.user_id], User)
            for row in bounded:
                assert row.boundary is None or managed_policies.find(session, ACCOUNT, row.boundary) is not None
            policies = {row.unique_id: row for row in entities.every(session, ManagedPolicy, ACCOUNT)}
            assert {version.policy_id for version in session.scalars(select(PolicyVersion))} == set(policies)
            for kept in policies.values():
                assert kept.default_version in {version.number for version in kept.versions}
                assert len(kept.versions) <= managed_policies.VERSIONS_PER_POLICY

    def teardown(self) -> None:
        self.database.close()


TestAccount = Account.TestCase
# A tenth of the examples of other properties, since each has thirty changes.
TestAccount.settings = settings(max_examples=settings().max_examples // 10, stateful_step_count=30, deadline=None)
