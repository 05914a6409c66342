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
    """Decodes the messages in EC2's denials, for callers in the account in which the denied call was made."""

    def __init__(self, messages: AuthorizationMessages) -> None:
        self._messages = messages

    @operation("sts", "DecodeAuthorizationMessage")
    def decode_authorization_message(
        self, call: Call, request: t.DecodeAuthorizationMessageRequestTypeDef
    ) -> Mapping[str, Any]:
        """Return the explanation of a denial as JSON text. Raises ``InvalidAuthorizationMessage``."""
        try:
            return {"DecodedMessage": self._messages.decode(call.account, request["EncodedMessage"])}
        except MessageUnreadable:
            raise InvalidAuthorizationMessage from None
