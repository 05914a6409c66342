"""The decorator that declares EC2 operations: name, supported parameters, and scope of the authorization.

The condition keys of an EC2 call (``ec2:Vpc``, ``ec2:Subnet``, ``aws:ResourceTag/…``) depend on rows, so an operation's
*scope* is a function of a database session and the call. ``Ec2Operations.bound_operations`` turns each ``@ec2`` method
into an entry of the table of operations, whose ``resources`` and ``context`` read the database.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from reading_room.arns import ec2_arn
from reading_room.aws.call import Call
from reading_room.aws.operations import (
    Authorizer,
    BoundOperation,
    ContextValues,
    OperationFacts,
    PassedRole,
    any_resource,
    no_resource_context,
)
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.vpc import tags
from reading_room.vpc.errors import UnsupportedParameter
from reading_room.vpc.identifiers import Kind
from reading_room.vpc.operations.scope import Scope
from reading_room.vpc.quotas import Quotas

Request = Mapping[str, Any]
Response = dict[str, Any]
ScopeFunction = Callable[[Session, Call], Scope]
Method = TypeVar("Method", bound=Callable[..., Any])

_DECLARED = "__ec2_operation__"
_ALWAYS = ("DryRun",)


@dataclass(frozen=True, slots=True)
class Declaration:
    """The arguments of ``@ec2`` for one operation."""

    name: str
    parameters: frozenset[str]
    scope: ScopeFunction | None
    passes_role: PassedRole | None


def ec2(
    name: str,
    parameters: str = "",
    *,
    scope: ScopeFunction | None = None,
    passes_role: PassedRole | None = None,
) -> Callable[[Method], Method]:
    """Mark a method ``(self, call, request) -> response`` as the implementation of an EC2 operation.

    ``parameters`` are the names of the supported parameters, separated by spaces; a request that gives another one a
    value is rejected. Without a ``scope``, the operation has no resources, like EC2's Describe operations.
    """

    def mark(method: Method) -> Method:
        setattr(method, _DECLARED, Declaration(name, frozenset(parameters.split()), scope, passes_role))
        return method

    return mark


class Ec2Operations:
    """Base of the classes of EC2 operations, with a database, a clock, the quotas and the authorizer.

    The authorizer is used here only for permissions that a call needs in addition to its own action:
    ``ec2:CreateTags`` to create with tags, and log delivery to S3.
    """

    def __init__(self, database: Database, clock: Clock, authorizer: Authorizer, quotas: Quotas = Quotas()) -> None:
        self.database = database
        self.clock = clock
        self.authorizer = authorizer
        self.quotas = quotas

    def bound_operations(self) -> Iterator[BoundOperation]:
        """Return the ``@ec2`` methods as entries of the table of operations."""
        kind: Any = type(self)
        for attribute, declaration in _declared(kind):
            yield BoundOperation(self._facts(declaration), getattr(self, attribute), _refusal(declaration))

    def authorize_tags(self, call: Call, request: Request, kind: Kind) -> dict[str, str]:
        """Return the tags that a create call requests. If there are any, the caller needs ``ec2:CreateTags``."""
        wanted = tags.requested(request, kind)
        if wanted:
            context: dict[str, Sequence[str]] = {"ec2:CreateAction": (call.operation,), **request_tags(wanted)}
            arn = ec2_arn(call.region, call.account, kind.word, "*")
            self.authorizer.authorize(call, _facts("CreateTags", "ec2:CreateTags", (arn,), context))
        return wanted

    def authorize_also(self, call: Call, action: str) -> None:
        """Require that the caller may also perform another action, on any resource."""
        self.authorizer.authorize(call, _facts(call.operation, action, ("*",), {}))

    def _facts(self, declaration: Declaration) -> OperationFacts:
        resources: Callable[[Call], Sequence[str]] = any_resource
        context: Callable[[Call], ContextValues] = _region
        resource_context: Callable[[Call, str], ContextValues] = no_resource_context
        if declaration.scope is not None:
            scope_of = self._scope_reader(declaration.scope)

            def resources(call: Call) -> Sequence[str]:
                return scope_of(call).resources

            def context(call: Call) -> ContextValues:
                return {**_region(call), **scope_of(call).context}

            def resource_context(call: Call, resource: str) -> ContextValues:
                return scope_of(call).of_resource.get(resource, {})

        return OperationFacts(
            "ec2",
            declaration.name,
            f"ec2:{declaration.name}",
            resources,
            context,
            declaration.passes_role,
            True,
            resource_context,
        )

    def _scope_reader(self, scope: ScopeFunction) -> Callable[[Call], Scope]:
        """Return a function that reads a call's scope from the database once and caches it."""
        held = threading.local()

        def scope_of(call: Call) -> Scope:
            kept: tuple[Call, Scope] | None = getattr(held, "kept", None)
            if kept is None or kept[0] is not call:
                with self.database.reading() as session:
                    kept = held.kept = (call, scope(session, call))
            return kept[1]

        return scope_of


def declarations() -> list[Declaration]:
    """Return the declaration of every operation of the imported classes, sorted by name."""
    kinds: list[Any] = [*Ec2Operations.__subclasses__()]
    found = [declaration for kind in kinds for _, declaration in _declared(kind)]
    return sorted(found, key=lambda declaration: declaration.name)


@cache
def _declared(kind: type) -> Sequence[tuple[str, Declaration]]:
    """Return the names and declarations of the ``@ec2`` methods of a class."""
    found = ((attribute, getattr(getattr(kind, attribute, None), _DECLARED, None)) for attribute in dir(kind))
    return [(attribute, declaration) for attribute, declaration in found if isinstance(declaration, Declaration)]


def request_tags(wanted: Mapping[str, str]) -> dict[str, Sequence[str]]:
    """Return the condition keys of the tags that a request sets."""
    if not wanted:
        return {}
    return {**{f"aws:RequestTag/{key}": (value,) for key, value in wanted.items()}, "aws:TagKeys": tuple(wanted)}


def _region(call: Call) -> ContextValues:
    """Return the condition key that every EC2 call has."""
    return {"ec2:Region": (call.region,)}


def _refusal(declaration: Declaration) -> Callable[[Request], None]:
    def refuse(request: Request) -> None:
        for name, value in request.items():
            if name not in declaration.parameters and name not in _ALWAYS and not _asks_nothing(value):
                raise UnsupportedParameter(declaration.name, name)

    return refuse


def _asks_nothing(value: object) -> bool:
    """Return whether a parameter explicitly turns its feature off, which needs no support."""
    return value in (False, None, [], 0, {"Value": False})


def _facts(name: str, action: str, resources: Sequence[str], context: ContextValues) -> OperationFacts:
    def keys(call: Call) -> ContextValues:
        return {**_region(call), **context}

    return OperationFacts("ec2", name, action, lambda call: resources, keys, None, True)
