"""Policy documents: JSON text to values, or the error that AWS answers for it.

A document is for one use, and each use has its own rules and its own words for their breach (``PolicyUse``). The
error here is a value with AWS's text; who stores the document gives it the code of its service:
``MalformedPolicyDocument`` (IAM), ``MalformedPolicy`` (S3), ``InvalidPolicyDocument`` (EC2).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from reading_room.iam.policy.conditions import Condition, ConditionError, parse_conditions
from reading_room.iam.policy.patterns import ArnTemplate, Template
from reading_room.iam.policy.principals import PrincipalError, Principals, parse_principals

PolicyUse = Literal["managed", "inline", "session", "trust", "bucket", "endpoint"]
"""What a document is for; ``inline`` is a user's or role's own identity policy."""

ENDPOINT_POLICY_LIMIT = 20_480
"""Characters of an endpoint policy (Amazon VPC quotas)."""
_VERSIONS = ("2008-10-17", "2012-10-17")
_TRUST_ACTIONS = (
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:tagsession",
    "sts:setsourceidentity",
    "sts:setcontext",
)
_STATEMENT_KEYS = {
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
}  # fmt: skip


class PolicyDocumentError(ValueError):
    """A text that is no policy for its use. ``str()`` is the message in AWS's words."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy."""

    position: int
    """1 for the first."""
    sid: str | None
    effect: Literal["Allow", "Deny"]
    actions: tuple[Template, ...]
    not_action: bool
    resources: tuple[ArnTemplate, ...]
    """Empty in a trust policy, whose resource is the role that carries it."""
    not_resource: bool
    principals: Principals | None
    conditions: tuple[Condition, ...]
    action_texts: tuple[str, ...]
    resource_texts: tuple[str, ...]

    @property
    def name(self) -> str:
        """The statement in words: its Sid, or its place."""
        return f"statement {self.sid!r}" if self.sid else f"statement {self.position}"


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed document."""

    version: str
    statements: tuple[Statement, ...]


@lru_cache(maxsize=256)
def parse(text: str, use: PolicyUse) -> Policy:
    """Parse a document for one use. Raises ``PolicyDocumentError`` with AWS's message."""
    if use == "endpoint" and len(text) > ENDPOINT_POLICY_LIMIT:
        raise PolicyDocumentError(
            f"The Policy Document is not valid. It has {len(text)} characters, "
            f"and at most {ENDPOINT_POLICY_LIMIT} are allowed"
        )
    document = _load(text, use)
    version, entries = _frame(document, use)
    if use == "managed" and version != "2012-10-17":
        raise PolicyDocumentError("Policy document must be version 2012-10-17 or greater.")
    _check_effects(entries, use)
    sids = [entry["Sid"] for entry in entries if "Sid" in entry]
    if len(sids) != len(set(sids)):
        raise PolicyDocumentError("Statement IDs (SID) in a single policy must be unique.")
    for check in _CHECKS[use]:
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
        # Everything after the first value must be white space: two documents in a row are no policy.
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        if use == "endpoint":
            raise PolicyDocumentError(
                f"The Policy Document is not valid. Syntax error at position ({error.lineno},{error.colno})"
            ) from None
        raise PolicyDocumentError(_syntax(use)) from None
    except (ValueError, RecursionError):
        raise PolicyDocumentError(_syntax(use)) from None
    if not isinstance(document, dict):
        raise PolicyDocumentError(_syntax(use))
    return document


def _no_constant(text: str) -> object:
    raise ValueError(text)


def _syntax(use: PolicyUse) -> str:
    if use in ("trust", "bucket"):
        return "This policy contains invalid Json"
    if use == "endpoint":
        return "The Policy Document is not valid."
    return "Syntax errors in policy."


def _fault(use: PolicyUse, bucket: str) -> PolicyDocumentError:
    """Return the error of a structure that the grammar does not have; S3 says more than the others do."""
    return PolicyDocumentError(
        {"bucket": bucket, "endpoint": f"The Policy Document is not valid. {bucket}"}.get(
            use, "Syntax errors in policy."
        )
    )


def _frame(document: dict[str, Any], use: PolicyUse) -> tuple[str, list[dict[str, Any]]]:
    """Check everything about the document but the meaning of its statements."""
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
    sid_form = r"[A-Za-z0-9]*" if use in ("managed", "inline", "session", "trust") else r"[^\x00-\x1f]*"
    if not (isinstance(entry.get("Sid", ""), str) and re.fullmatch(sid_form, entry.get("Sid", ""))):
        raise _fault(use, "Sid must be a string of letters and digits")
    for name in ("Action", "NotAction", "Resource", "NotResource"):
        if name in entry and not all(isinstance(text, str) and text for text in _listed(entry[name])):
            raise _fault(use, f"{name} must be a string or a list of strings")


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _texts(entry: dict[str, Any], name: str) -> list[str]:
    return _listed(entry.get(name, entry.get(f"Not{name}", [])))


def _check_effects(entries: list[dict[str, Any]], use: PolicyUse) -> None:
    for entry in entries:
        if entry["Effect"] not in ("Allow", "Deny"):
            if use in ("bucket", "endpoint"):
                raise _fault(use, f"Invalid effect: {entry['Effect']}")
            raise PolicyDocumentError("The policy failed legacy parsing")


def _needs_actions(entry: dict[str, Any]) -> None:
    if not _texts(entry, "Action"):
        raise PolicyDocumentError("Policy statement must contain actions.")


def _needs_resources(entry: dict[str, Any]) -> None:
    if not _texts(entry, "Resource"):
        raise PolicyDocumentError("Policy statement must contain resources.")


def _resources_are_arns(entry: dict[str, Any]) -> None:
    for text in _texts(entry, "Resource"):
        try:
            parts = ArnTemplate.parse(text).parts
        except ValueError:
            raise PolicyDocumentError(f'Resource {text} must be in ARN format or "*".') from None
        vendor = text.split(":", 3)[2] if parts is not None else ""
        if "*" in vendor or "?" in vendor:
            raise PolicyDocumentError("Resource vendor must be fully qualified and cannot contain regexes.")


def _actions_have_vendors(entry: dict[str, Any]) -> None:
    for text in _texts(entry, "Action"):
        if text != "*" and not re.fullmatch(r"[A-Za-z0-9-]+:[A-Za-z0-9*?]+", text):
            raise PolicyDocumentError("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")


def _has_no_principal(entry: dict[str, Any]) -> None:
    if "Principal" in entry or "NotPrincipal" in entry:
        raise PolicyDocumentError("Policy document should not specify a principal.")


def _trusts_without_resource(entry: dict[str, Any]) -> None:
    for name in ("Resource", "NotResource"):
        if name in entry:
            raise PolicyDocumentError(f"Has prohibited field {name}.")


def _trusts_only_for_sessions(entry: dict[str, Any]) -> None:
    _needs_actions(entry)
    for text in _texts(entry, "Action"):
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
        raise PolicyDocumentError('Invalid principal in policy: "*"')


def _bucket_fields(entry: dict[str, Any]) -> None:
    if "Principal" not in entry and "NotPrincipal" not in entry:
        raise PolicyDocumentError("Missing required field Principal")
    for name in ("Action", "Resource"):
        if not _texts(entry, name):
            raise PolicyDocumentError(f"Missing required field {name}")


def _bucket_resources(entry: dict[str, Any]) -> None:
    for text in _texts(entry, "Resource"):
        try:
            ArnTemplate.parse(text)
        except ValueError:
            raise PolicyDocumentError("Policy has invalid resource") from None


def _endpoint_fields(entry: dict[str, Any]) -> None:
    for name in ("Principal", "Action", "Resource"):
        if not (entry.get(name) or entry.get(f"Not{name}")):
            raise PolicyDocumentError(f"The Policy Document is not valid. Missing required field {name}")
    for text in _texts(entry, "Resource"):
        try:
            ArnTemplate.parse(text)
        except ValueError:
            raise PolicyDocumentError(f"The Policy Document is not valid. Resource {text} is not an ARN") from None


_IDENTITY_CHECKS = (_needs_actions, _needs_resources, _resources_are_arns, _actions_have_vendors, _has_no_principal)
_CHECKS = {
    "managed": _IDENTITY_CHECKS,
    "inline": _IDENTITY_CHECKS,
    "session": _IDENTITY_CHECKS,
    "trust": (_trusts_without_resource, _trusts_only_for_sessions, _trusts_somebody),
    "bucket": (_bucket_fields, _bucket_resources),
    "endpoint": (_endpoint_fields,),
}


def _statement(position: int, entry: dict[str, Any], use: PolicyUse, variables: bool) -> Statement:
    try:
        conditions = parse_conditions(entry.get("Condition", {}), variables=variables)
        principals = None
        if "Principal" in entry:
            principals = parse_principals(entry["Principal"])
        elif "NotPrincipal" in entry:
            if entry["Effect"] == "Allow":
                # An allow for everybody but the named ones, strangers included; AWS supports it with Deny only.
                raise _fault(use, "NotPrincipal is supported with the effect Deny only")
            principals = parse_principals(entry["NotPrincipal"], inverted=True)
        actions, resources = tuple(_texts(entry, "Action")), tuple(_texts(entry, "Resource"))
        return Statement(
            position=position,
            sid=entry.get("Sid") or None,
            effect=entry["Effect"],
            actions=tuple(Template.parse(text) for text in actions),
            not_action="NotAction" in entry,
            resources=tuple(ArnTemplate.parse(text, variables=variables) for text in resources),
            not_resource="NotResource" in entry,
            principals=principals,
            conditions=conditions,
            action_texts=actions,
            resource_texts=resources,
        )
    except PrincipalError as error:
        detail = "" if use == "bucket" else f": {error}"
        raise PolicyDocumentError(f"Invalid principal in policy{detail}") from None
    except ConditionError as error:
        raise _fault(use, f"Invalid Condition: {error}") from None
