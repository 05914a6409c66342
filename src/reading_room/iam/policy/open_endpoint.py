"""Statements of an endpoint policy that let credentials of other accounts reach resources of those accounts.

Someone who can run code in a job may have keys of their own account, and a bucket there. An endpoint policy keeps both
out by its principals (``aws:PrincipalAccount``) or by its resources (buckets by name, or ``aws:ResourceAccount``); AWS
calls that a data perimeter. The check decides requests of made-up strangers in the same way as real requests.
Conditions on what a stranger can choose (tags, user names, the time) count as met, and a deny that depends on these
counts as absent, so a warning may be unnecessary but is never missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product
from typing import Any

from reading_room.aws.call import ANONYMOUS, Principal
from reading_room.iam.policy.document import PolicyDocumentError, parse
from reading_room.iam.policy.evaluate import AttachedPolicy, Request, decide

_ANY = "zz9"
"""Replaces a wildcard in a made-up name."""
_OWN_POLICIES = parse('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}', "inline")
_ABSENT = (
    *("aws:principalorgid", "aws:principalorgpaths", "aws:resourceorgid", "aws:resourceorgpaths"),
    *("aws:principalservicename", "aws:sourceorgid", "aws:sourceorgpaths"),
)
"""Keys of the organization, whose accounts are no strangers, and of services: a stranger's request never has them."""
_MOST_DECISIONS = 5_000
"""The most decisions per statement; a statement that needs more counts as open."""
_TOO_LONG = "others (it is too long to be checked in full)"
_VARIABLE = re.compile(r"\$\{[^}]*\}")
_IDENTITY_ARN = re.compile(r"arn:aws:(iam|sts)::([^:]*):(.+)")


@dataclass(frozen=True, slots=True)
class Opening:
    """A statement that lets in strangers, and who they are: ``every account``, ``account 444455556666``, …"""

    statement: str
    who: str

    def warning(self, vpc_endpoint_id: str) -> str:
        """Return the warning for the owner of an endpoint with such a statement."""
        return (
            f"the policy of {vpc_endpoint_id} ({self.statement}) lets in requests from {self.who}: someone who can run "
            "code in a job could write to their own bucket. Pin aws:PrincipalAccount and name the buckets"
        )


@lru_cache(maxsize=256)
def openings(text: str, account: str) -> tuple[Opening, ...]:
    """Return the statements of a valid endpoint policy that let accounts except ``account`` reach their own resources.

    A statement that names its buckets lets no stranger write to their own bucket, so it is not among them.
    """
    document: dict[str, Any] = json.loads(text)
    statements = _listed(document["Statement"])
    known = frozenset(_context(ANONYMOUS, account)) | frozenset(_ABSENT)
    denies = [entry for entry in statements if entry["Effect"] == "Deny" and _depends_only_on(entry, known)]
    found = []
    for number, entry in enumerate(statements, 1):
        if entry["Effect"] != "Allow":
            continue
        allow = _with_choices_met(entry, known)
        who = _who_gets_in({**document, "Statement": [allow, *denies]}, allow, text, account)
        if who is not None:
            found.append(Opening(f"statement {entry['Sid']!r}" if entry.get("Sid") else f"statement {number}", who))
    return tuple(found)


def _who_gets_in(document: Mapping[str, Any], allow: Mapping[str, Any], text: str, account: str) -> str | None:
    try:
        policy = parse(json.dumps(document, ensure_ascii=False, separators=(",", ":")), "endpoint")
    except PolicyDocumentError:
        return _TOO_LONG  # The changes made it longer than a policy can be.
    policies = [
        AttachedPolicy("endpoint", policy, "of the endpoint", gateway_endpoint=False),
        AttachedPolicy("identity", _OWN_POLICIES, "of the stranger"),
    ]
    unmentioned = _unmentioned(text)
    strangers = list(_strangers(text, account, unmentioned))
    cases = product(strangers, _actions(allow), _resources(allow, account, unmentioned))
    for stranger, action, resource in islice(cases, _MOST_DECISIONS):
        caller = stranger.principal
        owner = unmentioned if caller.kind == "anonymous" else caller.account
        request = Request(caller, action, (resource,), owner, _context(caller, owner))
        decision = decide(request, policies)
        # The stranger's bucket may be open to anonymous callers; only the endpoint's policy matters here.
        if decision.allowed or "endpoint" not in decision.by:
            return stranger.words
    return None if next(cases, None) is None else _TOO_LONG


@dataclass(frozen=True, slots=True)
class _Stranger:
    principal: Principal
    words: str


def _strangers(text: str, account: str, unmentioned: str) -> Iterator[_Stranger]:
    """Yield callers from an account that the policy does not mention, from each that it mentions, and anonymous."""
    mentioned = sorted(set(re.findall(r"(?<!\d)\d{12}(?!\d)", text)) - {account})
    for other in (unmentioned, *mentioned):
        words = "every account" if other == unmentioned else f"account {other}"
        for kind, name in (("iam", f"user/{_ANY}"), ("iam", "root"), ("sts", f"assumed-role/{_ANY}/{_ANY}")):
            yield _Stranger(_principal(kind, other, name), words)
    for word in _strings(json.loads(text)):
        arn = _IDENTITY_ARN.fullmatch(word)
        if arn is None or arn[2] == account:
            continue
        other = unmentioned if not re.fullmatch(r"\d{12}", arn[2]) else arn[2]
        words = f"every account that has {arn[3]}" if other == unmentioned else f"account {other}"
        yield _Stranger(_principal(arn[1], other, _made_up(arn[3])), words)
    yield _Stranger(ANONYMOUS, "anonymous callers")


def _principal(service: str, account: str, name: str) -> Principal:
    arn = f"arn:aws:{service}::{account}:{name}"
    if name == "root":
        return Principal(kind="root", account=account, arn=arn, user_id=account)
    if name.startswith("user/"):
        return Principal(kind="user", account=account, arn=arn, user_id=f"AIDA{_ANY.upper()}")
    role = name.removeprefix("assumed-role/").partition("/")[0] if service == "sts" else name.removeprefix("role/")
    session = arn if service == "sts" else f"arn:aws:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{_ANY}"
    return Principal(
        kind="session",
        account=account,
        arn=session,
        user_id=f"AROA{_ANY.upper()}:{_ANY}",
        role_arn=f"arn:aws:iam::{account}:role/{role}",
    )


def _context(caller: Principal, resource_account: str) -> dict[str, tuple[str, ...]]:
    """Return the keys that describe the caller and the resource's owner, which a stranger cannot choose."""
    types = {"user": "User", "session": "AssumedRole", "root": "Account", "anonymous": "Anonymous"}
    return {
        "aws:principalaccount": (caller.account,),
        "aws:principalarn": (caller.role_arn or caller.arn,),
        "aws:principaltype": (types[caller.kind],),
        "aws:userid": (caller.user_id,),
        "aws:principalisawsservice": ("false",),
        "aws:viaawsservice": ("false",),
        "aws:resourceaccount": (resource_account,),
        "s3:resourceaccount": (resource_account,),
    }


def _with_choices_met(entry: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Return an Allow without the conditions and variables that a stranger can satisfy at will."""
    kept = {
        operator: {key: values for key, values in keys.items() if _is_known(key, values, known)}
        for operator, keys in entry.get("Condition", {}).items()
    }
    changed = {name: value for name, value in entry.items() if name != "Condition"}
    if any(kept.values()):
        changed["Condition"] = {operator: keys for operator, keys in kept.items() if keys}
    if "Resource" in entry:
        changed["Resource"] = [_VARIABLE.sub("*", text) for text in _listed(entry["Resource"])]
    return changed


def _depends_only_on(entry: Mapping[str, Any], known: frozenset[str]) -> bool:
    conditions = entry.get("Condition", {}).values()
    return all(_is_known(key, values, known) for keys in conditions for key, values in keys.items())


def _is_known(key: str, values: object, known: frozenset[str]) -> bool:
    variables = [name[2:-1].partition(",")[0].strip().lower() for name in _VARIABLE.findall(json.dumps(values))]
    return key.lower() in known and all(name in known for name in variables)


def _actions(entry: Mapping[str, Any]) -> list[str]:
    if "NotAction" in entry:
        return ["s3:PutObject", "s3:GetObject", f"s3:{_ANY}"]
    texts = ["s3:*" if text == "*" else text for text in _listed(entry["Action"])]
    return list(dict.fromkeys(_made_up(text) for text in texts))


def _resources(entry: Mapping[str, Any], account: str, unmentioned: str) -> list[str]:
    """Return resources that a stranger could own and the statement covers."""
    bucket = f"arn:aws:s3:::{_ANY}/{_ANY}"
    if "NotResource" in entry:
        return [bucket]
    found = []
    for text in _listed(entry["Resource"]):
        parts = text.split(":", 5)
        if len(parts) < 6:
            found.append(bucket)
            continue
        owner = _owner(parts, account, unmentioned)
        if owner is not None:
            parts[4] = "" if parts[2] == "s3" else owner
            found.append(_made_up(":".join(parts)))
    return list(dict.fromkeys(found))


def _owner(parts: Sequence[str], account: str, unmentioned: str) -> str | None:
    """Return a stranger's account that an ARN can match, or ``None`` if it names a bucket or this account."""
    place = parts[5].partition("/")[0] if parts[2] == "s3" else parts[4]
    if not place or re.search("[*?]", place):
        return unmentioned
    return None if parts[2] == "s3" or place == account else place


def _made_up(pattern: str) -> str:
    return pattern.replace("*", _ANY).replace("?", "z")


def _unmentioned(text: str) -> str:
    return next(number for number in (str(999_999_999_999 - tried) for tried in range(10_000)) if number not in text)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from _strings(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _strings(entry)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
