"""Faults of an identity policy beyond its structure: AWS's messages, in the order of AWS's checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reading_room.iam.policy.conditions import condition_faults
from reading_room.iam.policy.patterns import ArnTemplate

Entry = dict[str, Any]
LEGACY = "The policy failed legacy parsing"
_NO_VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
_PARTITION = re.compile(r"aws(?:-[a-z]+)*|.*[*?].*")
_IAM_PATHS = (
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
)
_END_OF_TIME = 1 << 63
"""Seconds since 1970 beyond which AWS accepts no date."""
_S3_WITH_REGION = ("accesspoint/", "access-grants", "async-request/", "job/", "storage-lens", "*")
"""Prefixes of S3 resources that can have a region; buckets and objects cannot."""


def texts_of(entry: Entry, name: str) -> list[Any]:
    """Return the strings of an element such as ``Action``, or of its ``Not…`` form; empty if there is neither."""
    value = entry.get(name, entry.get(f"Not{name}", []))
    return value if isinstance(value, list) else [value]


def identity_faults(entries: Sequence[Entry], *, new: bool) -> Iterator[str]:
    """Yield AWS's messages about statements whose structure is valid; AWS returns the first.

    Some checks apply only to ``new`` policies, since policies that earlier versions of the product accepted must still
    be readable.
    """
    if any(entry["Effect"] not in ("Allow", "Deny") for entry in entries):
        yield LEGACY
    for entry in entries:
        conditions = entry.get("Condition", {})
        if any(fault.in_value == "date" for fault in condition_faults(conditions)):
            yield LEGACY
        if new and any(map(_is_beyond_time, _dates(conditions))):
            yield LEGACY
    wrong_resource = ""
    for entry in entries:
        texts = texts_of(entry, "Resource")
        wrong_resource = wrong_resource or next(filter(None, map(_resource_fault, sorted(texts))), "")
        if not wrong_resource and any(_is_legacy_fault(text, new) for text in texts):
            yield LEGACY
        if new:
            wrong_resource = wrong_resource or next(filter(None, map(_service_fault, sorted(texts))), "")
    yield from sid_faults(entries)
    if not all(texts_of(entry, "Action") for entry in entries):
        yield "Policy statement must contain actions."
    if wrong_resource:
        yield wrong_resource
    for name in ("Action", "NotAction"):
        for entry in entries:
            if name in entry:
                yield from filter(None, map(_action_fault, texts_of(entry, name)))
    if not all(texts_of(entry, "Resource") for entry in entries):
        yield "Policy statement must contain resources."
    if any("Principal" in entry or "NotPrincipal" in entry for entry in entries):
        yield "Policy document should not specify a principal."


def sid_faults(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield the faults of the Sids in a policy that IAM stores; an empty Sid counts as absent."""
    sids = [entry["Sid"] for entry in entries if entry.get("Sid")]
    if not all(re.fullmatch(r"[0-9A-Za-z]*", sid) for sid in sids):
        yield (
            "Statement IDs (SID) must be alpha-numeric. "
            "Check that your input satisfies the regular expression [0-9A-Za-z]*"
        )
    if len(sids) != len(set(sids)):
        yield "Statement IDs (SID) in a single policy must be unique."


def _resource_fault(text: str) -> str:
    """Return the message about one resource, or "" if it is valid or has a fault of another kind (``LEGACY``)."""
    if not text.strip("*") and text:
        return ""
    no_arn = f'Resource {text} must be in ARN format or "*".'
    _, *rest = text.split(":", 5)
    if not rest:
        return no_arn
    partition = rest[0]
    if not _PARTITION.fullmatch(partition):
        # AWS fills in the missing parts.
        parts = [*rest, *["*"] * (5 - len(rest))]
        return f'Partition "{partition}" is not valid for resource "{":".join(["arn", *parts])}".'
    vendor = rest[1] if len(rest) > 1 else "*"
    if "*" in vendor or "?" in vendor:
        return "Resource vendor must be fully qualified and cannot contain regexes."
    if _is_legacy_fault(text, new=True):
        return ""
    if is_short(text):
        return ""
    try:
        ArnTemplate.parse_resource(text, variables=False)
    except ValueError:
        return no_arn
    return ""


def is_short(text: str) -> bool:
    """Return whether a resource is an ARN without its last parts, which AWS accepts."""
    return text.startswith("arn:") and text.count(":") < 5


def _service_fault(text: str) -> str:
    """Return the message about an ARN that is invalid for its service, or ""."""
    vendor, region, account, resource = [*text.split(":", 5)[2:], *("",) * 4][:4]
    if vendor == "s3" and region and not resource.startswith(_S3_WITH_REGION):
        return f"Resource {text} can not contain region information."
    if vendor == "iam" and region:
        return f"IAM resource {text} cannot contain region information."
    # A variable before the last part is plain text, so its colon separates parts of the ARN.
    known = resource in ("*", "root") or resource.startswith(_IAM_PATHS) or "${" in account
    if vendor == "iam" and not known:
        return f'IAM resource path must either be "*", root, or start with {", ".join(_IAM_PATHS)}.'
    return ""


def _is_legacy_fault(text: str, new: bool) -> bool:
    """Return whether a resource has no vendor, or omits a part after an empty one."""
    parts = text.split(":", 5)
    return len(parts) > 2 and ((new and not parts[2]) or (len(parts) < 6 and "::" in text))


def _dates(conditions: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the values in a ``Condition`` that are compared as dates."""
    for operator, keys in conditions.items():
        if operator.rpartition(":")[2].startswith("Date"):
            for values in keys.values():
                yield from map(str, values if isinstance(values, list) else [values])


def _is_beyond_time(text: str) -> bool:
    return text.isascii() and text.isdigit() and (len(text) > 19 or int(text) >= _END_OF_TIME)


def _action_fault(text: str) -> str:
    if text == "*":
        return ""
    vendor, *names = text.split(":")
    if not names or not text.isprintable():
        return _NO_VENDOR
    if len(names) > 1:
        return "Actions/Condition can contain only one colon."
    return "" if re.fullmatch(r"[A-Za-z0-9.-]+", vendor) else f"Vendor {vendor} is not valid"
