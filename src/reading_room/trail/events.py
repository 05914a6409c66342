"""The events of a call, made from its record: one for the caller's account, and one for the resource owner's.

AWS source: "CloudTrail record contents for management, data, and network activity events", CloudTrail user guide.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, Literal

from reading_room.arns import Arn
from reading_room.aws.call_record import CallRecord, reads_only
from reading_room.aws.counts import RefusedRequests
from reading_room.aws.errors import AwsError
from reading_room.aws.models import SERVED, operation_model, service_model
from reading_room.ids import unique_id
from reading_room.trail import s3_events
from reading_room.trail.identities import user_identity
from reading_room.trail.redaction import shown

VERSION = "1.11"
Book = Literal["management", "data", "denials", "unidentified"]
_PARAMETERS_LIMIT = 100_000
"""Bytes of ``requestParameters`` and of ``responseElements``; longer ones are omitted, as in CloudTrail."""
_DATA = frozenset({("logs", "PutLogEvents")})
_KEY_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEY_ARN = re.compile(rf"arn:aws:kms:[a-z0-9-]+:([0-9]{{12}}):key/{_KEY_ID.pattern}")
AccountOf = Callable[[str], str | None]
"""Returns the account that owns a bucket or an endpoint, by name or id, or ``None`` if it does not exist."""


def no_account(name: str) -> None:
    """Return no account."""


def is_data(service: str, operation: str) -> bool:
    """Return whether a call is a data event; these have a book of their own."""
    return s3_events.is_data(operation) if service == "s3" else (service, operation) in _DATA


def events_of(
    record: CallRecord, bucket_owner: AccountOf = no_account, endpoint_owner: AccountOf = no_account
) -> Iterator[tuple[Book, dict[str, Any]]]:
    """Yield the events of a call, each with its book.

    A call on a resource of another account is in the trails of both accounts, with the same ``sharedEventID``. A
    refused unauthenticated call is in no account's trail, but it is recorded nevertheless.
    """
    owner = _owner(record, bucket_owner)
    caller = record.principal.account if record.principal and record.principal.kind != "anonymous" else ""
    recipients = list(dict.fromkeys(account for account in (caller, owner) if account))
    event = _event(record, owner, endpoint_owner)
    book: Book = "unidentified" if record.is_noise else "management" if event["managementEvent"] else "data"
    if len(recipients) > 1:
        event["sharedEventID"] = unique_id("event")
    if not recipients:
        yield book, {**event, "eventID": unique_id("event")}
    for account in recipients:
        yield book, {**event, "eventID": unique_id("event"), "recipientAccountId": account}


def _event(record: CallRecord, owner: str | None, endpoint_owner: AccountOf) -> dict[str, Any]:
    service, path = record.service, record.path
    by_service = _acting(record)
    event: dict[str, Any] = {
        "eventVersion": VERSION,
        "userIdentity": user_identity(record.principal, record.access_key_id, by_service),
        "eventTime": record.ended_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": s3_events.event_name(record.operation) if service == "s3" else record.operation,
        "awsRegion": record.region,
        "sourceIPAddress": by_service or path.source_ip or path.vpc_source_ip or "",
        "userAgent": f"[{record.user_agent}]" if service == "s3" else record.user_agent,
    }
    if record.error is not None:
        event["errorCode"] = _error_code(service, record.error)
        event["errorMessage"] = record.error.message
    event["requestParameters"] = _bounded(_parameters(record))
    event["responseElements"] = _bounded(_elements(record))
    if record.s3 is not None:
        event["additionalEventData"] = s3_events.additional_data(record.s3)
    event["requestID"] = record.request_id
    event["readOnly"] = reads_only(record.operation)
    if resources := _resources(record, owner):
        event["resources"] = resources
    event["eventType"] = "AwsApiCall"
    version = _api_version(service)
    if version is not None:
        event["apiVersion"] = version
    of_data = is_data(service, record.operation)
    event["managementEvent"] = not of_data
    event["eventCategory"] = "Data" if of_data else "Management"
    if path.vpc_endpoint_id is not None:
        event["vpcEndpointId"] = path.vpc_endpoint_id
        if (account := endpoint_owner(path.vpc_endpoint_id)) is not None:
            event["vpcEndpointAccountId"] = account
    if path.secure and record.host is not None:
        event["tlsDetails"] = _tls(record)
    return event


def _acting(record: CallRecord) -> str | None:
    """Return the service that made a call without an access key, for a caller or as itself, or ``None``."""
    caller = record.principal
    by_itself = caller is not None and caller.kind != "anonymous" and record.access_key_id is None
    return record.user_agent if by_itself else None


def _tls(record: CallRecord) -> dict[str, str]:
    version = {} if record.tls_version is None else {"tlsVersion": f"TLSv{record.tls_version}"}
    return {**version, "clientProvidedHostHeader": record.host or ""}


def _parameters(record: CallRecord) -> dict[str, Any] | None:
    if record.s3 is not None:
        return s3_events.request_parameters(record, record.s3)
    model = operation_model(record.service, record.operation) if record.service in SERVED else None
    return shown(model.input_shape, record.parameters or None) if model is not None else None


def _elements(record: CallRecord) -> dict[str, Any] | None:
    if record.s3 is not None or not record.output:
        return None
    model = operation_model(record.service, record.operation)
    elements = shown(model.output_shape, record.output) if model is not None else None
    if elements is not None and record.service == "ec2":
        return {"requestId": record.request_id, **elements}
    return elements


def _bounded(values: dict[str, Any] | None) -> dict[str, Any] | None:
    if values is not None and len(values) > 0 and _size(values) > _PARAMETERS_LIMIT:
        return {"omitted": True, "originalSize": _size(values), "reason": "larger than an event may be"}
    return values


def _size(values: object) -> int:
    """Return the approximate length of a value as JSON, without serializing it."""
    if isinstance(values, str):
        return len(values) + 2
    if isinstance(values, dict):
        return sum(len(key) + 4 + _size(value) for key, value in values.items())
    if isinstance(values, list):
        return sum(1 + _size(value) for value in values)
    return 5


def _owner(record: CallRecord, bucket_owner: AccountOf) -> str | None:
    if record.s3 is not None:
        if record.s3.owner is not None or record.s3.bucket is None:
            return record.s3.owner
        return bucket_owner(record.s3.bucket)
    if record.service == "sts" and record.operation == "AssumeRole":
        try:
            return Arn.parse(str((record.parameters or {}).get("RoleArn"))).account or None
        except ValueError:
            return None
    if keys := _keys(record):
        return Arn.parse(keys[0]).account
    if (record.service, record.operation) == ("reading-room", "RedeemSignInToken") and record.output:
        # The request is not signed: it belongs in the trail of the account that signed in.
        return Arn.parse(str(record.output["Arn"])).account
    return None


def _resources(record: CallRecord, owner: str | None) -> list[dict[str, str]]:
    if record.s3 is not None:
        return s3_events.resources(record.s3)
    if record.service == "sts" and owner is not None:
        role = str((record.parameters or {})["RoleArn"])
        return [{"accountId": owner, "type": "AWS::IAM::Role", "ARN": role}]
    return [{"accountId": Arn.parse(arn).account, "type": "AWS::KMS::Key", "ARN": arn} for arn in _keys(record)]


def _keys(record: CallRecord) -> tuple[str, ...]:
    """Return the ARNs of the KMS keys of a call. A failed call tells the owners of others' keys nothing."""
    if record.service != "kms" or record.keys or record.principal is None:
        return record.keys
    given = record.parameters or {}
    named = str(given.get("KeyId") or given.get("TargetKeyId") or "")
    account = record.principal.account
    if _KEY_ID.fullmatch(named):
        return (f"arn:aws:kms:{record.region}:{account}:key/{named}",)
    found = _KEY_ARN.fullmatch(named)
    return (named,) if found is not None and (record.error is None or found[1] == account) else ()


@lru_cache(maxsize=64)
def _api_version(service: str) -> str | None:
    # As in CloudTrail, events of S3 and IAM have no API version.
    if service not in SERVED or service in ("s3", "iam", "sts"):
        return None
    return str(service_model(service).api_version)


def _error_code(service: str, error: AwsError) -> str:
    """Return an error's code as in CloudTrail: EC2's name the party at fault, IAM's are those of its model."""
    if service == "ec2":
        return f"{'Client' if error.status < 500 else 'Server'}.{error.code}"
    if error.code == "AccessDeniedException":
        return "AccessDenied"
    return _names(service).get(error.code, error.code) if service in ("iam", "sts") else error.code


@cache
def _names(service: str) -> dict[str, str]:
    coded = [shape for shape in service_model(service).error_shapes if "code" in shape.metadata.get("error", {})]
    return {shape.metadata["error"]["code"]: shape.name for shape in coded}


def service_event(name: str, at: dt.datetime, details: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event of the trail itself, rather than of a call."""
    return {
        "eventVersion": VERSION,
        "userIdentity": {"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"},
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": name,
        "eventID": unique_id("event"),
        "eventType": "AwsServiceEvent",
        "readOnly": False,
        "managementEvent": True,
        "eventCategory": "Management",
        "serviceEventDetails": dict(details),
    }


def event_of_refused(refused: RefusedRequests) -> dict[str, Any]:
    """Return the event of refused requests that were only counted."""
    path = refused.path
    details: dict[str, Any] = {"refused": refused.count, "errorCode": refused.code}
    details |= {"service": refused.service} if refused.service else {}
    details["began"] = refused.began.isoformat(timespec="milliseconds")
    details["ended"] = refused.ended.isoformat(timespec="milliseconds")
    event = service_event("RequestsRefused", refused.ended, details)
    if path is None:
        return event
    event["sourceIPAddress"] = path.source_ip or path.vpc_source_ip or ""
    if path.vpc_endpoint_id is not None:
        event["vpcEndpointId"] = path.vpc_endpoint_id
    return event


def as_text(document: dict[str, Any]) -> str:
    """Return a document as one line of JSON; characters that UTF-8 cannot encode are escaped."""
    return json.dumps(document, separators=(",", ":"))
