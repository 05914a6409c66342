"""The table of operations: the method that implements each AWS operation, and the facts for its authorization.

The facts of the decorator *are* the authorization table. ``OperationTable`` looks up each name in the service's model
when the program starts, so that no operation can have a name that AWS does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, TypeVar

from reading_room.aws.call import Call
from reading_room.aws.models import operation_model

ContextValues = Mapping[str, Sequence[str]]
"""Condition keys of a request and their values; a single-valued key has one."""


def any_resource(call: Call) -> Sequence[str]:
    """Return ``*``, for an operation that names no resources."""
    return ("*",)


def no_context(call: Call) -> ContextValues:
    """Return no condition keys, for an operation that has none of its own."""
    return {}


def no_resource_context(call: Call, resource: str) -> ContextValues:
    """Return no condition keys, for an operation whose keys do not depend on the resource."""
    return {}


def refuse_nothing(request: Mapping[str, Any]) -> None:
    """Refuse no parameter, for an operation that supports all of its model."""


@dataclass(frozen=True, slots=True)
class PassedRole:
    """The role that an operation passes to a service. Its caller needs ``iam:PassRole`` on the role."""

    parameter: str
    """The parameter with the role's ARN, or ``RoleName``, which has its name."""
    service: str
    """The service principal, for example ``comprehend.amazonaws.com``."""


@dataclass(frozen=True, slots=True)
class OperationFacts:
    """The facts of one operation, from the decorator."""

    service: str
    name: str
    action: str
    """The IAM action, for example ``ec2:CreateVpc``."""
    resources: Callable[[Call], Sequence[str]]
    context: Callable[[Call], ContextValues]
    passed_role: PassedRole | None
    authorized: bool
    """False for the few operations that no policy can deny (``sts:GetCallerIdentity``) or that authorize themselves."""
    resource_context: Callable[[Call, str], ContextValues] = no_resource_context
    """Condition keys of a single resource (``aws:ResourceTag/…``). They win over those of ``context``."""
    decided_by: str = ""
    """A few words on what decides if ``authorized`` is false; for the reference."""
    unsigned: bool = False
    """Whether the operation needs no signature. Its model must agree (``"authtype": "none"``)."""
    by_handler: bool = False
    """Whether the handler authorizes the call, by the policies of endpoint and resource too."""


@dataclass(frozen=True, slots=True)
class BoundOperation:
    """An operation with the method that implements it.

    ``refuse`` raises for a request with unsupported parameters. It is called before the authorization, so that a dry
    run never says that such a request would succeed.
    """

    facts: OperationFacts
    handler: Callable[[Call, Any], Mapping[str, Any] | None]
    refuse: Callable[[Mapping[str, Any]], None] = refuse_nothing


class Authorizer(Protocol):
    """Decides whether a call is allowed.

    It is declared here so that ``aws`` needs nothing of ``iam``, which implements it.
    """

    def authorize(self, call: Call, facts: OperationFacts) -> None:
        """Return if the call is allowed, else raise the service's own error for a denied call."""
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
    by_handler: bool = False,
) -> Callable[[Method], Method]:
    """Mark a method ``(self, call, request) -> response`` as the implementation of an AWS operation.

    ``request`` is the validated input structure with botocore's member names. The response is the output structure, or
    ``None`` if it is empty. The method raises ``AwsError`` for an error.
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
        by_handler=by_handler,
    )

    def mark(method: Method) -> Method:
        setattr(method, _FACTS, facts)
        return method

    return mark


class OperationNameError(LookupError):
    """An implementation names an operation that the service's model does not have."""

    def __init__(self, service: str, name: str) -> None:
        super().__init__(f"{service} has no operation {name}: correct the name given to @operation")


class OperationTable:
    """Every operation that the given objects implement.

    Raises ``OperationNameError`` for a name that the service's model lacks. Raises ``ValueError`` for an operation that
    is implemented twice, and for one that is marked as unsigned although its model requires a signature.
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
                    raise ValueError(f"{key[0]}:{key[1]} must be signed, according to its model")
                self._operations[key] = bound

    def __iter__(self) -> Iterator[BoundOperation]:
        return iter(self._operations.values())

    def find(self, service: str, name: str) -> BoundOperation | None:
        """Return the implementation of an operation, or ``None``."""
        return self._operations.get((service, name))


def _operations_of(implementation: object) -> Iterator[BoundOperation]:
    kind: Any = type(implementation)
    for attribute, facts in _marked(kind):
        yield BoundOperation(facts, getattr(implementation, attribute))
    # A class whose operations come from the rows of a table (one for each job kind) lists them itself.
    yield from getattr(implementation, "bound_operations", lambda: ())()


@cache
def _marked(kind: type) -> Sequence[tuple[str, OperationFacts]]:
    found = ((attribute, getattr(getattr(kind, attribute, None), _FACTS, None)) for attribute in dir(kind))
    return [(attribute, facts) for attribute, facts in found if isinstance(facts, OperationFacts)]
