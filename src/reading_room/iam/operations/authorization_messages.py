"""DecodeAuthorizationMessage of STS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.iam.authorization_messages import AuthorizationMessages, MessageUnreadable
from reading_room.iam.errors import InvalidAuthorizationMessage

if TYPE_CHECKING:
    from mypy_boto3_sts import type_defs as t


class AuthorizationMessageOperations:
    """Reads the messages that EC2's denials carry, for callers of the account that the denied call was made in."""

    def __init__(self, messages: AuthorizationMessages) -> None:
        self._messages = messages

    @operation("sts", "DecodeAuthorizationMessage")
    def decode_authorization_message(
        self, call: Call, request: t.DecodeAuthorizationMessageRequestTypeDef
    ) -> Mapping[str, Any]:
        """Answer with the story of a denial as JSON text. Raises ``InvalidAuthorizationMessage``."""
        try:
            return {"DecodedMessage": self._messages.decode(call.account, request["EncodedMessage"])}
        except MessageUnreadable:
            raise InvalidAuthorizationMessage from None
