"""Signing in to the console and out: tokens for credentials, credentials for tokens, and their end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.extension.errors import (
    InvalidSessionException,
    InvalidSignInTokenException,
    LimitExceededException,
)
from reading_room.iam.sign_in import NotRedeemable, NotSignedIn, TooManyTokens, create_token, end, redeem, sign_in


class SignInOperations:
    """Creates and redeems sign-in tokens, and ends the resulting sessions."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @operation("reading-room", "CreateSignInToken")
    def create_token(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """CreateSignInToken, for the calling principal."""
        if call.access_key_id is None:
            # A service that acts with its own session has no key to sign in with.
            raise InvalidSignInTokenException
        try:
            with self._database.transaction() as session:
                token = create_token(session, call.principal, call.access_key_id, self._clock())
        except TooManyTokens:
            raise LimitExceededException(call.principal.arn) from None
        return {"Token": token.text, "ExpiresAt": token.expires_at}

    # The caller has only the token, which is 32 random bytes and sufficient.
    @operation(
        "reading-room", "RedeemSignInToken", authorized=False, decided_by="the token; no signature", unsigned=True
    )
    def redeem_token(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """RedeemSignInToken. Unknown, used and expired tokens, and those of deleted keys, get the same error."""
        try:
            access_key_id = redeem(self._database, request["Token"], self._clock())
            with self._database.transaction() as session:
                principal, credentials = sign_in(session, access_key_id, self._clock())
        except NotRedeemable:
            raise InvalidSignInTokenException from None
        return {
            "Credentials": {
                "AccessKeyId": credentials.access_key_id,
                "SecretAccessKey": credentials.secret_access_key,
                "SessionToken": credentials.session_token,
                "Expiration": credentials.expires_at,
            },
            "Arn": principal.arn,
        }

    # Everyone must be able to sign out, so as with sts:GetCallerIdentity, no policy can deny it.
    @operation("reading-room", "EndSession", authorized=False, decided_by="nothing: a session can always end itself")
    def end_session(self, call: Call, request: Mapping[str, Any]) -> None:
        """EndSession, for the credentials that sign the call."""
        if call.access_key_id is None:
            # A service that acts with its own session did not sign in.
            raise InvalidSessionException(call.principal.arn)
        try:
            with self._database.transaction() as session:
                end(session, call.access_key_id)
        except NotSignedIn:
            raise InvalidSessionException(call.principal.arn) from None
