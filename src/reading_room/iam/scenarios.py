"""The scenario of a simulation, built from its parameters: policies, caller, resources and condition keys.

Invalid parameters raise ``InvalidInput``, AWS's error for simulations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from reading_room.aws.call import Principal
from reading_room.iam import entities
from reading_room.iam.attached_policies import Owner
from reading_room.iam.authorizer import principal_context
from reading_room.iam.errors import InvalidEntityArn, InvalidInput, InvalidResourceNames, InvalidResourceOwner
from reading_room.iam.identities import boundary_of, policies_of
from reading_room.iam.organization import Place
from reading_room.iam.policy.conditions import OPERATORS
from reading_room.iam.policy.document import Policy, PolicyDocumentError, PolicyUse, parse
from reading_room.iam.policy.evaluate import AttachedPolicy, PolicyKind
from reading_room.iam.policy.patterns import ArnTemplate
from reading_room.iam.policy.positions import statement_spans
from reading_room.iam.policy_exclusions import Exclusions
from reading_room.iam.principals import user_principal
from reading_room.iam.simulation import Scenario, Source
from reading_room.iam.tables import Group, Role, User
from reading_room.iam.tags import tags_of

MOST_POLICIES = 50
MOST_ACTIONS = 1_000
MOST_RESOURCES = 250
"""The product's own limits on one simulation, so that no call takes long; AWS does not publish its limits."""
_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9-]+")
_ENTITY = re.compile(
    r"arn:aws:iam::(?P<account>[0-9]{12}):(?P<kind>user|group|role)/(?:[\x21-\x7e]*/)?(?P<name>[\w+=,.@-]+)"
)
_OWNER = re.compile(r"arn:aws:iam::([0-9]{12}):root")
_MODELS: Mapping[str, type[User] | type[Group] | type[Role]] = {"user": User, "group": Group, "role": Role}
_TYPED = {
    "numeric": "NumericEquals",
    "boolean": "Bool",
    "ip": "IpAddress",
    "binary": "BinaryEquals",
    "date": "DateEquals",
}


def entity(session: Session, account: str, arn: str) -> Owner:
    """Return the user, group or role of an account that an ARN names. Raises ``InvalidEntityArn``, ``NoSuchEntity``."""
    match = _ENTITY.fullmatch(arn)
    if match is None or match["account"] != account:
        raise InvalidEntityArn(arn)
    return entities.get(session, _MODELS[match["kind"]], account, match["name"])


def entity_sources(
    session: Session, owner: Owner, *, boundary: bool, without: Sequence[Mapping[str, Any]] = ()
) -> list[Source]:
    """Return the policies of a user (including its groups'), group or role, and its boundary if ``boundary`` is set.

    ``without`` is the request's ``PolicyExclusionList``. Raises ``InvalidInput``.
    """
    exclusions = Exclusions(without)
    sources = []
    for owned in policies_of(session, owner):
        if exclusions.cover(owned):
            continue
        name = f"{owned.owner.kind}_{owned.owner.name}_{owned.name}" if owned.inline else owned.name.rpartition("/")[2]
        sources.append(_source("identity", name, owned.document, "inline"))
    owned_boundary = boundary_of(session, owner) if boundary and not exclusions.cover_boundary else None
    if owned_boundary is not None:
        name = owned_boundary.name.rpartition("/")[2]
        sources.append(_source("boundary", name, owned_boundary.document, "inline"))
    return sources


def input_sources(request: Mapping[str, Any]) -> list[Source]:
    """Return the policies that a request contains as text."""
    boundaries = request.get("PermissionsBoundaryPolicyInputList", [])
    if len(boundaries) > 1:
        raise InvalidInput("Only one permissions boundary can be simulated.")
    texts = request.get("PolicyInputList", [])
    _check_number("policies", texts, MOST_POLICIES)
    sources = [
        _source("identity", f"PolicyInputList.{number}", text, "inline") for number, text in enumerate(texts, start=1)
    ]
    for text in boundaries:
        sources.append(_source("boundary", "PermissionsBoundaryPolicyInputList.1", text, "inline"))
    if "ResourcePolicy" in request:
        sources.append(_source("resource", "ResourcePolicy", request["ResourcePolicy"], "bucket"))
    return sources


def _source(kind: PolicyKind, name: str, text: str, use: PolicyUse) -> Source:
    try:
        parsed = parse(text, use)
    except PolicyDocumentError as error:
        raise InvalidInput(f"{name}: {error}") from None
    # Statements are looked up by policy identity, so a policy that is simulated twice must be two objects.
    return Source(
        name, AttachedPolicy(kind, Policy(parsed.version, parsed.statements), name), tuple(statement_spans(text))
    )


def scenario(
    session: Session,
    account: str,
    request: Mapping[str, Any],
    sources: Sequence[Source],
    source: Owner | None,
    place: Place | None = None,
) -> Scenario:
    """Build the scenario of a simulation. ``source`` is the entity whose policies are simulated, if any.

    ``place`` is that of the account in the organization, whose policies limit callers of the account.
    Raises ``InvalidInput`` for an invalid caller, resource, owner or condition key.
    """
    with_resource_policy = "ResourcePolicy" in request
    caller, keys = _caller(session, account, request.get("CallerArn"), source, with_resource_policy)
    resources = tuple(dict.fromkeys(request.get("ResourceArns") or ["*"]))
    _check_number("resources", resources, MOST_RESOURCES)
    wrong = [resource for resource in resources if not _is_resource(resource)]
    if wrong:
        raise InvalidResourceNames(wrong)
    owner = caller.account
    if "ResourceOwner" in request:
        match = _OWNER.fullmatch(request["ResourceOwner"])
        if match is None:
            raise InvalidResourceOwner(request["ResourceOwner"])
        owner = match[1]
    if caller.account != account:
        place = None
    if place is not None:
        keys = {**keys, **place.principal_keys}
    given = dict(_context_entries(request.get("ContextEntries", [])))
    lowered = {key.lower() for key in given}
    context = {**{key: values for key, values in keys.items() if key.lower() not in lowered}, **given}
    return Scenario(caller, tuple(sources), resources, owner, context, place.limits if place is not None else None)


def action_names(request: Mapping[str, Any]) -> Sequence[str]:
    """Return the actions of a simulation. Raises ``InvalidInput`` for one without the form of an action."""
    names: Sequence[str] = request["ActionNames"]
    _check_number("actions", names, MOST_ACTIONS)
    for name in names:
        if not _ACTION.fullmatch(name):
            raise InvalidInput(f"Invalid Action Name: {name} must be a service's prefix, a colon and an operation.")
    return names


def _check_number(what: str, given: Sequence[str], most: int) -> None:
    if len(given) > most:
        raise InvalidInput(f"One simulation takes at most {most} {what}; {len(given)} were given.")


def _is_resource(text: str) -> bool:
    if text == "*":
        return True
    try:
        return ArnTemplate.parse(text).parts is not None
    except ValueError:
        return False


def _caller(
    session: Session, account: str, arn: str | None, source: Owner | None, with_resource_policy: bool
) -> tuple[Principal, Mapping[str, Sequence[str]]]:
    """Return the caller of the simulated requests, and the condition keys that describe it."""
    if arn is None and source is None:
        if with_resource_policy:
            raise InvalidInput("CallerArn is required when ResourcePolicy is given.")
        return Principal("user", account, f"arn:aws:iam::{account}:user/anybody", ""), {}
    text = arn if arn is not None else source.arn if source is not None else ""
    match = _ENTITY.fullmatch(text)
    if match is None:
        raise InvalidEntityArn(text)
    if with_resource_policy and match["kind"] != "user":
        raise InvalidInput("ResourcePolicy can be simulated for a user as the caller only: give its ARN as CallerArn.")
    named = None
    if match["account"] == account:
        named = entities.find(session, _MODELS[match["kind"]], account, match["name"])
        named = named if named is not None and named.arn == text else None
    if match["kind"] == "group":
        return Principal("user", match["account"], f"arn:aws:iam::{match['account']}:user/anybody", ""), {}
    caller = _principal(text, match["account"], match["kind"], match["name"], named)
    keys = {key: values for key, values in principal_context(caller).items() if values != ("",)}
    if isinstance(named, User | Role):
        keys |= {f"aws:PrincipalTag/{tag['Key']}": (tag["Value"],) for tag in tags_of(named.tags)}
    return caller, keys


def _principal(arn: str, account: str, kind: str, name: str, named: object) -> Principal:
    if isinstance(named, User):
        return user_principal(named)
    if kind == "user":
        return Principal("user", account, arn, "", user_name=name)
    unique_id = f"{named.unique_id}:simulation" if isinstance(named, Role) else ""
    session_arn = f"arn:aws:sts::{account}:assumed-role/{name}/simulation"
    return Principal("session", account, session_arn, unique_id, role_arn=arn)


def _context_entries(entries: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for entry in entries:
        name, kind = entry.get("ContextKeyName", ""), entry.get("ContextKeyType", "string")
        values = tuple(entry.get("ContextKeyValues", ()))
        if not name or not values:
            raise InvalidInput(f"Invalid Context Entry: the key {name!r} needs a name and a value.")
        if len(values) > 1 and not kind.endswith("List"):
            raise InvalidInput(f"Invalid Context Entry: {name} is of type {kind} and has {len(values)} values.")
        operator = _TYPED.get(kind.removesuffix("List"), "StringEquals")
        for value in values:
            try:
                OPERATORS[operator][0](value, False)
            except ValueError as error:
                raise InvalidInput(f"Invalid Context Entry: {name} is of type {kind} and has {error}.") from None
        yield name, values
