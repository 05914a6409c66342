"""Policy documents, parsed from JSON, and the errors that AWS returns for invalid ones.

Each use of a document has its own rules and its own messages (``PolicyUse``). The error here has AWS's message; the
caller that stores the document raises it with its service's code:
``MalformedPolicyDocument`` (IAM), ``MalformedPolicy`` (S3), ``InvalidPolicyDocument`` (EC2).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Literal

from reading_room.iam.policy.conditions import Condition, ConditionError, condition_faults, parse_conditions
from reading_room.iam.policy.identity_faults import LEGACY, identity_faults, is_short, sid_faults, texts_of
from reading_room.iam.policy.patterns import ArnTemplate, Template
from reading_room.iam.policy.principals import PrincipalError, Principals, parse_principals

PolicyUse = Literal["managed", "inline", "session", "trust", "bucket", "endpoint", "scp", "rcp"]
"""The use of a document. ``inline`` is an inline policy of a user, group or role; ``scp`` and ``rcp`` are the service
and resource control policies of an organization."""

ENDPOINT_POLICY_LIMIT = 20_480
"""Characters in an endpoint policy (Amazon VPC quotas)."""
DEEPEST = 8
"""Levels of nested lists and objects in a document; the grammar itself needs seven."""
_KEPT_ACTIONS = 512
_VERSIONS = ("2008-10-17", "2012-10-17")
_TRUST_ACTIONS = (
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:tagsession",
    "sts:setsourceidentity",
    "sts:setcontext",
)
_IDENTITY_USES = ("managed", "inline", "session", "scp", "rcp")
"""The uses whose statements follow the rules for identity policies; those of ``rcp`` also have a principal."""
_ORGANIZATION_USES = ("scp", "rcp")
_IAM_USES = (*_IDENTITY_USES, "trust")
_STATEMENT_KEYS = {
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
}  # fmt: skip


class PolicyDocumentError(ValueError):
    """A text is not a valid policy for its use. ``str()`` returns AWS's message.

    The message can quote the document. Control characters, which a response cannot contain, become question marks.
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(character if character.isprintable() else "?" for character in message))


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy."""

    name: str
    """How explanations name the statement: by its Sid, or by its number, counted from 1."""
    sid: str | None
    effect: Literal["Allow", "Deny"]
    actions: tuple[Template, ...]
    """In lower case, since case does not distinguish actions."""
    not_action: bool
    resources: tuple[ArnTemplate, ...]
    """Empty in a trust policy, whose resource is the role itself."""
    not_resource: bool
    principals: Principals | None
    conditions: tuple[Condition, ...]
    action_texts: tuple[str, ...]
    resource_texts: tuple[str, ...]
    document: Mapping[str, Any] = field(compare=False, repr=False)
    """The statement's elements as written, as JSON values."""

    def covers(self, action: str) -> bool:
        """Return whether ``Action`` or ``NotAction`` covers an action, given in lower case."""
        return any(pattern.matches(action, {}) for pattern in self.actions) is not self.not_action


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed document."""

    version: str
    statements: tuple[Statement, ...]
    _by_action: dict[str, tuple[Statement, ...]] = field(default_factory=dict, compare=False, repr=False)

    def covering(self, action: str) -> tuple[Statement, ...]:
        """Return the statements that cover an action, in order. Results are cached."""
        found = self._by_action.get(action)
        if found is None:
            lowered = action.lower()
            found = tuple(statement for statement in self.statements if statement.covers(lowered))
            if len(self._by_action) >= _KEPT_ACTIONS:
                self._by_action.clear()
            self._by_action[action] = found
        return found


@lru_cache(maxsize=1024)
def parse(text: str, use: PolicyUse, new: bool = False) -> Policy:
    """Parse a document for one use. Raises ``PolicyDocumentError`` with AWS's message.

    ``new`` is for a document that is about to be stored; documents that are stored already are checked less strictly.
    """
    if use == "endpoint" and len(text) > ENDPOINT_POLICY_LIMIT:
        raise PolicyDocumentError(
            f"The Policy Document is not valid. It has {len(text)} characters, "
            f"and at most {ENDPOINT_POLICY_LIMIT} are allowed"
        )
    document = _load(text, use)
    version, entries = _frame(document, use)
    if use in ("managed", *_ORGANIZATION_USES) and version != "2012-10-17":
        raise PolicyDocumentError("Policy document must be version 2012-10-17 or greater.")
    if use == "rcp":
        # Checked by its own rule below; every other rule is that of an identity policy.
        without = [{name: entry[name] for name in entry if name != "Principal"} for entry in entries]
        faults = identity_faults(without, new=new)
    else:
        faults = identity_faults(entries, new=new) if use in _IDENTITY_USES else _other_faults(entries, use)
    for fault in faults:
        raise PolicyDocumentError(fault)
    for check in _CHECKS.get(use, ()):
        for entry in entries:
            check(entry)
    variables = version == "2012-10-17"
    return Policy(
        version,
        tuple(_statement(number, entry, use, variables) for number, entry in enumerate(entries, start=1)),
    )


class _DuplicateKey(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise _DuplicateKey("a key stands twice in one object")
    return document


def _load(text: str, use: PolicyUse) -> dict[str, Any]:
    if use == "bucket" and not text.startswith("{"):
        raise PolicyDocumentError("Policies must be valid JSON and the first byte must be '{'")
    try:
        # json.loads refuses anything but white space after the first value: two documents are not a policy.
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=Decimal)
    except json.JSONDecodeError as error:
        if use == "endpoint":
            raise PolicyDocumentError(
                f"The Policy Document is not valid. Syntax error at position ({error.lineno},{error.colno})"
            ) from None
        raise PolicyDocumentError(_syntax(use)) from None
    except (ValueError, RecursionError, InvalidOperation):
        raise PolicyDocumentError(_syntax(use)) from None
    if not isinstance(document, dict) or not _is_shallow(document) or _has_lone_surrogate(document):
        raise PolicyDocumentError(_syntax(use))
    return document


def _is_shallow(document: dict[str, Any]) -> bool:
    """Return whether a document has at most ``DEEPEST`` levels, so that later recursion is bounded."""
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for value in level:
            inner += value.values() if isinstance(value, dict) else value
        level = [value for value in inner if isinstance(value, dict | list)]
        if not level:
            return True
    return False


def _has_lone_surrogate(document: dict[str, Any]) -> bool:
    """Return whether a string has a lone surrogate (``\\ud800``), which cannot be sent or stored."""
    try:
        json.dumps(document, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return True
    return False


def _no_constant(text: str) -> object:
    raise ValueError(text)


def _syntax(use: PolicyUse) -> str:
    if use in ("trust", "bucket"):
        return "This policy contains invalid Json"
    if use == "endpoint":
        return "The Policy Document is not valid."
    return "Syntax errors in policy."


def _fault(use: PolicyUse, bucket: str) -> PolicyDocumentError:
    """Return the error for an invalid structure; S3's message is more detailed than the others.

    For a trust policy AWS names only an unknown or missing field.
    """
    if use == "trust" and bucket.startswith(("Unknown field", "Missing required field")):
        return PolicyDocumentError(bucket)
    return PolicyDocumentError(
        {"bucket": bucket, "endpoint": f"The Policy Document is not valid. {bucket}"}.get(
            use, "Syntax errors in policy."
        )
    )


def _frame(document: dict[str, Any], use: PolicyUse) -> tuple[str, list[dict[str, Any]]]:
    """Check the document's structure, and return its version and statements."""
    unknown = set(document) - {"Version", "Id", "Statement"}
    if unknown:
        raise _fault(use, f"Unknown field {sorted(unknown)[0]}")
    if "Statement" not in document:
        raise _fault(use, "Missing required field Statement")
    version = document.get("Version", "2008-10-17")
    if version not in _VERSIONS:
        raise _fault(use, "The policy must contain a valid version string")
    if not isinstance(document.get("Id", ""), str):
        raise _fault(use, "Id must be a string")
    entries = document["Statement"]
    entries = [entries] if isinstance(entries, dict) else entries
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _fault(use, "Statement must be an object or a list of objects")
    if not entries:
        raise _fault(use, "Could not parse the policy: Statement is empty!")
    for entry in entries:
        _check_shape(entry, use)
    return version, entries


def _check_shape(entry: dict[str, Any], use: PolicyUse) -> None:
    unknown = set(entry) - _STATEMENT_KEYS
    if unknown:
        raise _fault(use, f"Unknown field {sorted(unknown)[0]}")
    for one, other in (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")):
        if one in entry and other in entry:
            raise _fault(use, f"{one} and {other} may not stand in one statement")
    if "Effect" not in entry:
        raise _fault(use, "Missing required field Effect")
    sid = entry.get("Sid", "")
    # IAM has a message of its own for invalid characters in a Sid.
    if not (isinstance(sid, str) and (use in _IAM_USES or re.fullmatch(r"[^\x00-\x1f]*", sid))):
        raise _fault(use, "Sid must be a string of letters and digits")
    for name in ("Action", "NotAction", "Resource", "NotResource"):
        texts = texts_of({name: entry[name]}, name) if name in entry else []
        if not all(isinstance(text, str) and (text or use in _IAM_USES) for text in texts):
            raise _fault(use, f"{name} must be a string or a list of strings")
    if use in _IAM_USES:
        if not isinstance(entry["Effect"], str) or entry["Effect"].lower() not in ("allow", "deny"):
            raise _fault(use, "Invalid effect")
        for fault in condition_faults(entry.get("Condition", {})):
            if fault.in_value is None:
                raise _fault(use, str(fault))


def _other_faults(entries: list[dict[str, Any]], use: PolicyUse) -> Iterator[str]:
    """Yield the faults of a policy other than an identity policy, before the checks of its use."""
    for entry in entries:
        if entry["Effect"] not in ("Allow", "Deny"):
            yield LEGACY if use == "trust" else str(_fault(use, f"Invalid effect: {entry['Effect']}"))
    if use == "trust":
        yield from sid_faults(entries)
    sids = [entry["Sid"] for entry in entries if entry.get("Sid")]
    if len(sids) != len(set(sids)):
        yield "Statement IDs (SID) in a single policy must be unique."


def _trusts_without_resource(entry: dict[str, Any]) -> None:
    for name in ("Resource", "NotResource"):
        if name in entry:
            raise PolicyDocumentError(f"Has prohibited field {name}.")


def _trusts_only_for_sessions(entry: dict[str, Any]) -> None:
    if not texts_of(entry, "Action"):
        raise PolicyDocumentError("Policy statement must contain actions.")
    for text in texts_of(entry, "Action"):
        template = Template.parse(text.lower())
        if not any(template.matches(action, {}) for action in _TRUST_ACTIONS):
            raise PolicyDocumentError(
                "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  "
                "and sts:AssumeRoleWithWebIdentity"
            )


def _trusts_somebody(entry: dict[str, Any]) -> None:
    if "Principal" not in entry and "NotPrincipal" not in entry:
        raise PolicyDocumentError("Missing required field Principal")
    if entry.get("Principal") == "*":
        raise PolicyDocumentError('AssumeRolepolicy contained an invalid principal: "STAR":"*".')


def _bucket_fields(entry: dict[str, Any]) -> None:
    if "Principal" not in entry and "NotPrincipal" not in entry:
        raise PolicyDocumentError("Missing required field Principal")
    for name in ("Action", "Resource"):
        if not texts_of(entry, name):
            raise PolicyDocumentError(f"Missing required field {name}")


def _bucket_resources(entry: dict[str, Any]) -> None:
    for text in texts_of(entry, "Resource"):
        try:
            ArnTemplate.parse_resource(text, variables=False)
        except ValueError:
            raise PolicyDocumentError("Policy has invalid resource") from None


def _endpoint_fields(entry: dict[str, Any]) -> None:
    for name in ("Principal", "Action", "Resource"):
        if not (entry.get(name) or entry.get(f"Not{name}")):
            raise PolicyDocumentError(f"The Policy Document is not valid. Missing required field {name}")
    for text in texts_of(entry, "Resource"):
        try:
            ArnTemplate.parse_resource(text, variables=False)
        except ValueError:
            raise PolicyDocumentError(f"The Policy Document is not valid. Resource {text} is not an ARN") from None


def _guards_everybody(entry: dict[str, Any]) -> None:
    if entry.get("Principal") != "*":
        raise PolicyDocumentError('A resource control policy must have "Principal": "*" in every statement.')
    if "NotAction" in entry:
        raise PolicyDocumentError("A resource control policy cannot have NotAction.")


_CHECKS = {
    "rcp": (_guards_everybody,),
    "trust": (_trusts_without_resource, _trusts_only_for_sessions, _trusts_somebody),
    "bucket": (_bucket_fields, _bucket_resources),
    "endpoint": (_endpoint_fields,),
}


def _resource(text: str, entry: dict[str, Any], variables: bool) -> ArnTemplate:
    """Return the pattern of a resource. AWS accepts an ARN without its last parts, but documents no meaning for it.

    So an Allow with it allows nothing, and a Deny denies everything that it could mean.
    """
    if is_short(text):
        wide = (entry["Effect"] == "Deny") is not ("NotResource" in entry)
        text = ":".join([text, *"*" * (5 - text.count(":"))]) if wide else "arn:::::"
    return ArnTemplate.parse_resource(text, variables=variables)


def _statement(position: int, entry: dict[str, Any], use: PolicyUse, variables: bool) -> Statement:
    try:
        conditions = parse_conditions(entry.get("Condition", {}), variables=variables)
        principals = None
        if "Principal" in entry:
            principals = parse_principals(entry["Principal"])
        elif "NotPrincipal" in entry:
            if entry["Effect"] == "Allow":
                # It would allow everyone except the named principals; AWS supports it with Deny only.
                raise _fault(use, "NotPrincipal is supported with the effect Deny only")
            principals = parse_principals(entry["NotPrincipal"], inverted=True)
        sid = entry.get("Sid") or None
        if principals is not None and principals.canonical_users and use != "bucket":
            raise PrincipalError('"CanonicalUser"')
        actions, resources = tuple(texts_of(entry, "Action")), tuple(texts_of(entry, "Resource"))
        return Statement(
            name=f"statement {sid!r}" if sid else f"statement {position}",
            sid=sid,
            effect=entry["Effect"],
            actions=tuple(Template.parse(text.lower()) for text in actions),
            not_action="NotAction" in entry,
            resources=tuple(_resource(text, entry, variables) for text in resources),
            not_resource="NotResource" in entry,
            principals=principals,
            conditions=conditions,
            action_texts=actions,
            resource_texts=resources,
            document=entry,
        )
    except PrincipalError as error:
        detail = "" if use == "bucket" else f": {error}"
        raise PolicyDocumentError(f"Invalid principal in policy{detail}") from None
    except ConditionError as error:
        raise _fault(use, f"Invalid Condition: {error}") from None
