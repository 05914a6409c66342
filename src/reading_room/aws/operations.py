"""The table of operations: which method implements which AWS operation, and what its authorization is about.

The decorator's facts *are* the authorization table. ``OperationTable`` looks each name up in botocore's service model
when the program starts, so a name that AWS does not have cannot ship.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from reading_room.aws.call import Call
from reading_room.aws.models import operation_model

ContextValues = Mapping[str, Sequence[str]]
"""Condition keys of a request and their values; a single-valued key has one."""


def any_resource(call: Call) -> Sequence[str]:
    """Say that the operation does not name resources: policies must allow it on ``*``."""
    return ("*",)


def no_context(call: Call) -> ContextValues:
    """Say that the operation adds no condition keys of its own."""
    return {}


def no_resource_context(call: Call, resource: str) -> ContextValues:
    """Say that no condition key depends on which of the call's resources is decided."""
    return {}


def refuse_nothing(request: Mapping[str, Any]) -> None:
    """Say that the operation gives every parameter of its model its effect."""


@dataclass(frozen=True, slots=True)
class PassedRole:
    """The operation hands a role to a service, so its caller needs ``iam:PassRole`` on it."""

    parameter: str
    """Which holds the role's ARN; ``RoleName`` its name."""
    service: str
    """The service principal, for example ``comprehend.amazonaws.com``."""


@dataclass(frozen=True, slots=True)
class OperationFacts:
    """What the decorator says of one operation."""

    service: str
    name: str
    action: str
    """The IAM action, for example ``ec2:CreateVpc``."""
    resources: Callable[[Call], Sequence[str]]
    context: Callable[[Call], ContextValues]
    passed_role: PassedRole | None
    authorized: bool
    """False for the few calls that no policy can deny (``sts:GetCallerIdentity``), or that authorize themselves."""
    resource_context: Callable[[Call, str], ContextValues] = no_resource_context
    """Condition keys of one of ``resources`` alone (``aws:ResourceTag/…``); they win over those of ``context``."""
    decided_by: str = ""
    """In a few words what decides instead, where ``authorized`` is false; for the reference."""
    unsigned: bool = False
    """Whether it may be called without a signature, which its model has to say too (``"authtype": "none"``)."""


@dataclass(frozen=True, slots=True)
class BoundOperation:
    """An operation with the method that implements it.

    ``refuse`` raises for a request that asks for what nobody gets; it is asked before the authorization, so that a dry
    run never says that such a request would have succeeded.
    """

    facts: OperationFacts
    handler: Callable[[Call, Any], Mapping[str, Any] | None]
    refuse: Callable[[Mapping[str, Any]], None] = refuse_nothing


class Authorizer(Protocol):
    """Decides whether a call may happen.

    Declared here so that ``aws`` needs nothing of ``iam``, which implements it.
    """

    def authorize(self, call: Call, facts: OperationFacts) -> None:
        """Return if the call is allowed; raise the service's own access-denied error if it is not."""
        ...


Method = TypeVar("Method", bound=Callable[..., Any])
_FACTS = "__aws_operation__"


def operation(
    service: str,
    name: str,
    *,
    action: str | None = None,
    resources: Callable[[Call], Sequence[str]] = any_resource,
    context: Callable[[Call], ContextValues] = no_context,
    passes_role: PassedRole | None = None,
    authorized: bool = True,
    decided_by: str = "",
    unsigned: bool = False,
) -> Callable[[Method], Method]:
    """Mark a method ``(self, call, request) -> response`` as the implementation of an AWS operation.

    ``request`` is the operation's input structure with botocore's member names, validated; the response is the output
    structure (``None`` where it is empty). An error leaves as an ``AwsError``.
    """
    facts = OperationFacts(
        service,
        name,
        action or f"{service}:{name}",
        resources,
        context,
        passes_role,
        authorized,
        decided_by=decided_by,
        unsigned=unsigned,
    )

    def mark(method: Method) -> Method:
        setattr(method, _FACTS, facts)
        return method

    return mark


class OperationNameError(LookupError):
    """An implementation claims an operation that the service's model does not have."""

    def __init__(self, service: str, name: str) -> None:
        super().__init__(f"{service} has no operation {name}: correct the name given to @operation")


class OperationTable:
    """Every operation that some object implements.

    Raises ``OperationNameError`` for a name that the service's model lacks, ``ValueError`` for one implemented twice,
    and for one that would take requests without a signature although its model has them signed.
    """

    def __init__(self, *implementations: object) -> None:
        self._operations: dict[tuple[str, str], BoundOperation] = {}
        for implementation in implementations:
            for bound in _operations_of(implementation):
                key = (bound.facts.service, bound.facts.name)
                if key in self._operations:
                    raise ValueError(f"{key[0]}:{key[1]} is implemented twice")
                model = operation_model(*key)
                if model is None:
                    raise OperationNameError(*key)
                if bound.facts.unsigned and model.auth_type != "none":
                    raise ValueError(f"{key[0]}:{key[1]} has to be signed, as its model says")
                self._operations[key] = bound

    def __iter__(self) -> Iterator[BoundOperation]:
        return iter(self._operations.values())

    def find(self, service: str, name: str) -> BoundOperation | None:
        """Return the implementation of an operation, or ``None``."""
        return self._operations.get((service, name))


def _operations_of(implementation: object) -> Iterator[BoundOperation]:
    for attribute in dir(type(implementation)):
        function = getattr(type(implementation), attribute, None)
        facts = getattr(function, _FACTS, None)
        if isinstance(facts, OperationFacts):
            yield BoundOperation(facts, getattr(implementation, attribute))
    # A class whose operations come from rows of a table (a row per job kind) lists them itself.
    yield from getattr(implementation, "bound_operations", lambda: ())()
