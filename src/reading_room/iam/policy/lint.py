"""Findings about a policy document: AWS's error for it, or warnings about what its author may not intend.

This is the product's own extension; no AWS service does it. The messages are for the document's author.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from reading_room.iam.policy.document import Policy, PolicyDocumentError, PolicyUse, Statement, parse
from reading_room.iam.policy.identity_faults import is_short

ERROR_CODES: Mapping[PolicyUse, str] = {
    "managed": "MalformedPolicyDocument",
    "inline": "MalformedPolicyDocument",
    "session": "MalformedPolicyDocument",
    "trust": "MalformedPolicyDocument",
    "bucket": "MalformedPolicy",
    "endpoint": "InvalidPolicyDocument",
    "scp": "MalformedPolicyDocumentException",
    "rcp": "MalformedPolicyDocumentException",
}
"""The error code with which IAM and STS, S3, EC2 or Organizations refuses a document."""
_SPACE = re.compile(r"\s*")
_PATH_KEYS = (
    *("aws:sourcevpce", "aws:sourcevpc", "aws:sourcevpcarn", "aws:sourceip", "aws:vpcsourceip"),
    *("aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths"),
)


def lint(text: str, use: PolicyUse) -> list[str]:
    """Return the findings about a document; empty if there are none.

    If AWS refuses the document, the first finding is AWS's error. If the text holds several documents, the last
    findings are about the one that ``merged`` returns.
    """
    try:
        policy = parse(text, use, new=True)
    except PolicyDocumentError as error:
        return [f"refused: AWS answers {ERROR_CODES[use]}: {error}", *_several(text, use)]
    return [*_whole(policy, use), *(finding for each in policy.statements for finding in _statement(policy, each))]


def merged(text: str) -> str | None:
    """Return one document with the statements of several consecutive documents in a text.

    Return ``None`` if there are not several, or if their versions treat variables differently.
    """
    documents = _documents(text)
    if len(documents) < 2:
        return None
    versions = {document.get("Version", "2008-10-17") for document in documents}
    if len(versions) > 1 and any("${" in json.dumps(document) for document in documents):
        return None
    entries = [entry for document in documents for entry in _statements(document)]
    used: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        if entry.get("Sid") in used:
            entry["Sid"] = f"{entry['Sid']}{number}"
        if "Sid" in entry:
            used.add(entry["Sid"])
    return json.dumps({"Version": max(versions), "Statement": entries}, indent=4)


def _documents(text: str) -> list[dict[str, Any]]:
    """Return the consecutive policies in a text; empty if it holds anything else."""
    text = text.strip()
    decoder, documents, at = json.JSONDecoder(), [], 0
    try:
        while at < len(text):
            document, at = decoder.raw_decode(text, at)
            if not isinstance(document, dict) or not all(isinstance(each, dict) for each in _statements(document)):
                return []
            documents.append(document)
            at += len(_SPACE.match(text, at)[0])  # type: ignore[index]
    except (ValueError, RecursionError):
        return []
    return documents


def _statements(document: dict[str, Any]) -> list[Any]:
    entries = document.get("Statement", [])
    return entries if isinstance(entries, list) else [entries]


def _several(text: str, use: PolicyUse) -> Iterator[str]:
    number = len(_documents(text))
    if number < 2:
        return
    yield (
        f"the text holds {number} consecutive JSON documents. A policy is one document, and an endpoint or a bucket "
        "has one policy: using only the first document would silently drop statements"
    )
    document = merged(text)
    if document is None:
        yield "they have different versions and use variables, so they cannot be merged without changing their meaning"
    else:
        yield from (f"merged into one document: {finding}" for finding in lint(document, use))


def _whole(policy: Policy, use: PolicyUse) -> Iterator[str]:
    if use in ("endpoint", "session", "trust") and all(each.effect == "Deny" for each in policy.statements):
        yield "nothing is allowed: every statement is a Deny, and everything that no statement allows is denied. " + (
            "It replaces the endpoint's default policy, which allows everything: add a statement with Allow"
            if use == "endpoint"
            else "Add a statement with Allow"
        )


def _statement(policy: Policy, statement: Statement) -> Iterator[str]:
    name = statement.name
    if statement.effect == "Allow" and statement.not_action:
        yield f"{name}: Allow with NotAction allows every action except those named, even of future services"
    if statement.effect == "Allow" and statement.not_resource:
        yield f"{name}: Allow with NotResource allows every resource except those named"
    if policy.version == "2008-10-17" and "${" in json.dumps(statement.document, default=str):
        yield f"{name}: version 2008-10-17 has no variables, so ${{…}} is compared literally"
    if policy.version == "2012-10-17":
        for text in statement.resource_texts:
            if "${" in ":".join(text.split(":", 5)[:5]):
                yield f"{name}: {text} has a variable before the last part of the ARN, where it is plain text"
    for text in statement.resource_texts:
        if is_short(text):
            yield f"{name}: {text} lacks the last parts of an ARN: Allow allows nothing, Deny all that begins with it"
    for condition in statement.conditions:
        what = f"{name}: {condition.operator} on {condition.key_text}"
        if ":" not in condition.key:
            yield f"{what} uses a key that no request has: the names of keys begin with a service, such as aws: or s3:"
        if statement.effect == "Deny" and condition.negated and condition.key in _PATH_KEYS:
            yield f"{what} also denies every request without the key, which is absent on other network paths"
        if statement.effect == "Allow" and condition.quantifier == "ForAllValues":
            yield f"{what} is also true of a request without the key; add a Null condition to require it"
