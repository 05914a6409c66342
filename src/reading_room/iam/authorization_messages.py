"""EC2's encoded authorization failure messages, which a denied caller can pass to someone permitted to decode them.

A message explains a denial in full. It is encrypted with a key of this installation and bound to the account in which
the call was made. Messages are not stored, so one can be decoded as long as the key exists.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import threading
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from reading_room.iam.policy.evaluate import Decision, Request
from reading_room.iam.policy.explain import StatementExplanation, explain
from reading_room.sealing import SealedFile

KEY_BYTES = 32
_NONCE_BYTES = 12
_LONGEST = 10_240
"""Characters that DecodeAuthorizationMessage accepts; a longer message drops its conditions and matched statements."""


class MessageUnreadable(ValueError):
    """The text is not a message of this installation and account."""


class AuthorizationMessages:
    """Encodes and decodes messages. The key is created when the first message is encoded. Thread-safe."""

    def __init__(self, key_file: SealedFile) -> None:
        self._key_file = key_file
        self._lock = threading.Lock()
        self._cipher: AESGCM | None = None

    def prepare(self) -> None:
        """Create the key if there is none. Raises ``OSError``, ``SealBroken``."""
        self._key()

    def encode(self, account: str, decision: Decision) -> str:
        """Return the encoded message for a denied call in an account."""
        document = denial_document(decision)
        message = self._seal(account, document)
        if len(message) > _LONGEST:
            document["context"]["conditions"] = {"items": []}
            document["matchedStatements"] = {"items": []}
            message = self._seal(account, document)
        return message

    def decode(self, account: str, message: str) -> str:
        """Return the JSON text in a message. Raises ``MessageUnreadable``."""
        try:
            sealed = base64.urlsafe_b64decode(message + "=" * (-len(message) % 4))
            packed = self._key().decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], account.encode())
        except (binascii.Error, ValueError, InvalidTag):
            raise MessageUnreadable from None
        return zlib.decompress(packed).decode()

    def _seal(self, account: str, document: Mapping[str, Any]) -> str:
        packed = zlib.compress(json.dumps(document, separators=(",", ":")).encode())
        nonce = _nonce()
        sealed = nonce + self._key().encrypt(nonce, packed, account.encode())
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def _key(self) -> AESGCM:
        with self._lock:
            if self._cipher is None:
                self._cipher = AESGCM(_read_or_make(self._key_file))
            return self._cipher


def _read_or_make(file: SealedFile) -> bytes:
    try:
        return file.read()
    except FileNotFoundError:
        key = AESGCM.generate_key(KEY_BYTES * 8)
        file.write(key)
        return key


def _nonce() -> bytes:
    """Return a nonce with which no message begins with a dash: command lines would take it for an option."""
    while base64.urlsafe_b64encode(nonce := secrets.token_bytes(_NONCE_BYTES)).startswith(b"-"):
        pass
    return nonce


def denial_document(decision: Decision) -> dict[str, Any]:
    """Return a denial as the document that DecodeAuthorizationMessage returns."""
    evidence = decision.evidence
    assert evidence is not None
    request = evidence.request
    deciding = explain(request, evidence.policies).deciding if decision.outcome == "explicitDeny" else ()
    return {
        "allowed": False,
        "explicitDeny": decision.outcome == "explicitDeny",
        "matchedStatements": {"items": [_statement(statement) for statement in deciding]},
        "failures": {"items": []},
        "context": {
            "principal": _principal(request),
            "action": request.action,
            "resource": decision.resource,
            "conditions": {"items": [_condition(key, values) for key, values in sorted(request.context.items())]},
        },
    }


def _principal(request: Request) -> dict[str, str]:
    caller = request.principal
    name = {"name": caller.user_name} if caller.user_name is not None else {}
    return {"id": caller.user_id, **name, "arn": caller.arn}


def _condition(key: str, values: Sequence[str]) -> dict[str, Any]:
    return {"key": key, "values": {"items": [{"value": value} for value in values]}}


def _statement(statement: StatementExplanation) -> dict[str, Any]:
    document = statement.document
    return {
        "statementId": statement.sid or "",
        "effect": statement.effect.upper(),
        "principals": _items(_texts(document, "Principal")),
        "principalGroups": _items(()),
        "actions": _items(_texts(document, "Action")),
        "resources": _items(_texts(document, "Resource")),
        "conditions": {"items": [_condition(each.key, each.wanted) for each in statement.conditions]},
    }


def _items(values: Iterable[str]) -> dict[str, Any]:
    return {"items": [{"value": value} for value in values]}


def _texts(document: Mapping[str, Any], name: str) -> list[str]:
    """Return the strings in an element or its negation, whether written as a string, a list or a mapping."""
    value = document.get(name, document.get(f"Not{name}", []))
    if isinstance(value, Mapping):
        return [text for entry in value.values() for text in _listed(entry)]
    return _listed(value)


def _listed(value: object) -> list[str]:
    return [str(entry) for entry in value] if isinstance(value, list) else [str(value)]
