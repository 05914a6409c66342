"""Checks of every request that starts work, beyond the API model: role, network, keys and locations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reading_room.analysis.event_types import TARGETS, unknown
from reading_room.analysis.redaction import REPLACE
from reading_room.arns import Arn
from reading_room.comprehend.errors import (
    DuplicateIds,
    InvalidLocation,
    InvalidRedaction,
    InvalidRoleAccount,
    KmsKeyValidationException,
    ReaderActionNotSupported,
    UnknownEventTypes,
)
from reading_room.jobs.places import location_of

READ_ACTION = "TEXTRACT_DETECT_DOCUMENT_TEXT"
"""The only DocumentReadAction: our own reader takes the place of Textract, and recognises no tables or forms."""
KEY_BYTES = 1024
"""The maximum size of an S3 key, in bytes of UTF-8."""


def check_role(role_arn: str, account: str) -> None:
    """Raise ``InvalidRoleAccount`` for a role of another account."""
    if Arn.parse(role_arn).account != account:
        raise InvalidRoleAccount(role_arn, account)


def check_network(network: Mapping[str, Sequence[str]] | None) -> None:
    """Raise ``DuplicateIds`` for a VpcConfig that names a group or a subnet twice."""
    if network is not None:
        for member in ("SecurityGroupIds", "Subnets"):
            for identifier in repeated(network[member]):
                raise DuplicateIds(member, identifier)


def check_redaction(own: Mapping[str, Any]) -> None:
    """Raise ``InvalidRedaction`` if a Mode and its RedactionConfig do not fit together.

    ``own`` has the members that only this kind of job has; other kinds have neither.
    """
    if "RedactionConfig" not in own:
        return
    mode, config = own["Mode"], own["RedactionConfig"]
    if mode != "ONLY_REDACTION":
        if config is not None:
            raise InvalidRedaction(f"RedactionConfig is for Mode ONLY_REDACTION; here Mode is {mode}: leave it out.")
        return
    if not (config or {}).get("PiiEntityTypes"):
        raise InvalidRedaction("Mode ONLY_REDACTION needs RedactionConfig.PiiEntityTypes: name types, or ALL.")
    if config.get("MaskMode") == REPLACE and config.get("MaskCharacter") is not None:
        raise InvalidRedaction(f"RedactionConfig.MaskCharacter is for MaskMode MASK; here MaskMode is {REPLACE}.")


def check_event_types(own: Mapping[str, Any]) -> None:
    """Raise ``UnknownEventTypes`` if a request for events names a type that does not exist."""
    if names := unknown(own.get(TARGETS) or ()):
        raise UnknownEventTypes(names)


def check_reader(config: Mapping[str, Any]) -> None:
    """Raise ``ReaderActionNotSupported`` if a DocumentReaderConfig asks for tables and forms."""
    if config["DocumentReadAction"] != READ_ACTION or config.get("FeatureTypes"):
        raise ReaderActionNotSupported(config["DocumentReadAction"])


def check_keys(keys: Mapping[str, str | None]) -> None:
    """Raise ``KmsKeyValidationException`` for the first named member that is given: there is no KMS yet."""
    for member, key in keys.items():
        if key is not None:
            raise KmsKeyValidationException(member, key)


def check_location(member: str, uri: str) -> None:
    """Raise ``InvalidLocation`` if a URI is not the location of an object.

    Without this check, a job with an invalid location would keep a host from reading its other jobs.
    """
    try:
        size = len(location_of(uri).key.encode())
    except ValueError as error:
        raise InvalidLocation(member, f"is not the location of an object: {error}") from error
    if size > KEY_BYTES:
        raise InvalidLocation(member, f"has a key of {size} bytes, but a key has at most {KEY_BYTES}")


def repeated(items: Sequence[str]) -> list[str]:
    """Return the items that occur more than once, in order."""
    return [item for item in items if items.count(item) > 1]
