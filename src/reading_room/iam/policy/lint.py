"""What AWS would say to a policy document, and what it would not say though its author may not mean it.

This is an own extension: no service answers so. The texts are for the person who wrote the document.
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
}
"""The error that a document for a use is refused with: by IAM and STS, by S3, by EC2."""
_SPACE = re.compile(r"\s*")
_PATH_KEYS = ("aws:sourcevpce", "aws:sourcevpc", "aws:sourceip", "aws:vpcsourceip")


def lint(text: str, use: PolicyUse) -> list[str]:
    """Return what is to be said of a document, one finding an entry; nothing when there is nothing to say.

    The first entry of a document that AWS refuses is AWS's answer. Where several documents stand in one text,
    ``merged`` has the one that says the same, and the last entries are about that.
    """
    try:
        policy = parse(text, use, new=True)
    except PolicyDocumentError as error:
        return [f"refused: AWS answers {ERROR_CODES[use]}: {error}", *_several(text, use)]
    return [*_whole(policy, use), *(finding for each in policy.statements for finding in _statement(policy, each))]


def merged(text: str) -> str | None:
    """Return one document with the statements of several that stand one after another in a text.

    ``None`` when there are not several, or when they cannot be one: a version decides whether variables are variables.
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
    """Return the policies that stand one after another in a text; nothing when it holds anything else."""
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
        f"the text holds {number} JSON documents one after another. A policy is one document, and an endpoint or a "
        "bucket has one policy: taking the first and passing over the rest would leave statements out unseen"
    )
    document = merged(text)
    if document is None:
        yield "they have different versions and use variables, so they cannot be put together without changing them"
    else:
        yield from (f"put together in one document: {finding}" for finding in lint(document, use))


def _whole(policy: Policy, use: PolicyUse) -> Iterator[str]:
    if use in ("endpoint", "session", "trust") and all(each.effect == "Deny" for each in policy.statements):
        yield "nothing is allowed: every statement denies, and what no statement allows is denied. " + (
            "It takes the place of the endpoint's default policy, which allows everything: add what is to be allowed"
            if use == "endpoint"
            else "Add a statement that allows"
        )


def _statement(policy: Policy, statement: Statement) -> Iterator[str]:
    name = statement.name
    if statement.effect == "Allow" and statement.not_action:
        yield f"{name}: Allow with NotAction allows every action but those named, of services to come as well"
    if statement.effect == "Allow" and statement.not_resource:
        yield f"{name}: Allow with NotResource allows every resource but those named"
    if policy.version == "2008-10-17" and "${" in json.dumps(statement.document, default=str):
        yield f"{name}: version 2008-10-17 has no variables, so the text ${{…}} is compared as it stands"
    if policy.version == "2012-10-17":
        for text in statement.resource_texts:
            if "${" in ":".join(text.split(":", 5)[:5]):
                yield f"{name}: {text} has a variable before the last part of the ARN, where it is plain text"
    for text in statement.resource_texts:
        if is_short(text):
            yield f"{name}: {text} lacks the last parts of an ARN, so it allows nothing and denies all that begins so"
    for condition in statement.conditions:
        what = f"{name}: {condition.operator} on {condition.key_text}"
        if ":" not in condition.key:
            yield f"{what} asks for a key that no request has: the names of keys begin with a service, as aws: or s3:"
        if statement.effect == "Deny" and condition.negated and condition.key in _PATH_KEYS:
            yield f"{what} also denies every request that does not have the key, because it came another way"
        if statement.effect == "Allow" and condition.quantifier == "ForAllValues":
            yield f"{what} is also true of a request without the key; a Null condition would ask for it"
