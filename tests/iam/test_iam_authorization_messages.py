"""The encoded messages of EC2's denials: who can decode them, and how they are shortened."""

from __future__ import annotations

import json
import secrets
import stat
from pathlib import Path

import pytest

from reading_room.aws.call import Principal
from reading_room.iam.authorization_messages import AuthorizationMessages, MessageUnreadable
from reading_room.iam.policy.document import parse
from reading_room.iam.policy.evaluate import AttachedPolicy, Decision, Request, decide
from reading_room.sealing import SealedFile
from tests.worlds.databases import SEALER

ACCOUNT, OTHER = "111122223333", "444455556666"
ANN = Principal("user", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ann", "AIDAANN", user_name="ann")


def denial(statements: int = 1, **context: tuple[str, ...]) -> Decision:
    """Return a denial by ``statements`` statements."""
    deny = {"Effect": "Deny", "NotAction": "s3:*", "Resource": ["*", "arn:aws:ec2:*:*:vpc/*"]}
    whole = [
        {**deny, "Sid": f"No{number}", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}
        for number in range(statements)
    ]
    policy = AttachedPolicy("identity", parse(json.dumps({"Version": "2012-10-17", "Statement": whole}), "inline"), "p")
    request = Request(ANN, "ec2:CreateVpc", ("*",), ACCOUNT, {"aws:SecureTransport": ("true",), **context})
    return decide(request, [policy])


def messages_of(folder: Path, key: str = "key") -> AuthorizationMessages:
    """Return the encoder and decoder of messages with the key in a file."""
    return AuthorizationMessages(SealedFile(SEALER, folder / key, key))


def test_a_message_can_be_decoded_after_a_restart(tmp_path: Path) -> None:
    message = messages_of(tmp_path).encode(ACCOUNT, denial())
    document = json.loads(messages_of(tmp_path).decode(ACCOUNT, message))
    (statement,) = document["matchedStatements"]["items"]
    assert statement["actions"] == {"items": [{"value": "s3:*"}]}
    assert statement["resources"] == {"items": [{"value": "*"}, {"value": "arn:aws:ec2:*:*:vpc/*"}]}
    assert statement["conditions"] == {
        "items": [{"key": "aws:securetransport", "values": {"items": [{"value": "true"}]}}]
    }
    assert document["context"]["principal"] == {"id": "AIDAANN", "name": "ann", "arn": ANN.arn}


def test_other_accounts_and_installations_cannot_decode_a_message(tmp_path: Path) -> None:
    messages = messages_of(tmp_path)
    message = messages.encode(ACCOUNT, denial())
    with pytest.raises(MessageUnreadable):
        messages.decode(OTHER, message)
    with pytest.raises(MessageUnreadable):
        messages_of(tmp_path, "other").decode(ACCOUNT, message)


def test_the_key_file_is_private(tmp_path: Path) -> None:
    messages_of(tmp_path).encode(ACCOUNT, denial())
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_message_reveals_nothing_of_its_content(tmp_path: Path) -> None:
    message = messages_of(tmp_path).encode(ACCOUNT, denial())
    assert message.isascii()
    # Long enough that no ciphertext has it by chance.
    assert "SecureTransport" not in message


def test_a_message_can_follow_an_option_of_a_command(tmp_path: Path) -> None:
    messages, decision = messages_of(tmp_path), denial()
    # One in 64 would begin with a dash if any nonce were taken.
    assert not [each for _ in range(1_000) if (each := messages.encode(ACCOUNT, decision)).startswith("-")]


def test_a_message_that_is_too_long_loses_its_details(tmp_path: Path) -> None:

    messages = messages_of(tmp_path)
    long = {f"aws:RequestTag/{number}": (secrets.token_hex(200),) for number in range(50)}
    message = messages.encode(ACCOUNT, denial(5, **long))
    assert len(message) <= 10_240
    document = json.loads(messages.decode(ACCOUNT, message))
    assert document["explicitDeny"] is True
    assert document["context"]["action"] == "ec2:CreateVpc"
    assert document["context"]["conditions"] == {"items": []}
