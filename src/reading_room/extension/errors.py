"""The errors of the API reading-room, one class per code of its model; what any service answers is in ``aws``."""

from __future__ import annotations

from reading_room.aws.errors import AwsError
from reading_room.iam.sign_in import OPEN_TOKENS, TOKEN_SECONDS


class InvalidSignInTokenException(AwsError):
    """A sign-in token that nobody can redeem; why is not told."""

    code = "InvalidSignInTokenException"

    def __init__(self) -> None:
        super().__init__(
            f"The sign-in token is not valid. A token works once, within {TOKEN_SECONDS} seconds: make a new one."
        )


class InvalidSessionException(AwsError):
    """The caller's credentials are none that their holder can end."""

    code = "InvalidSessionException"

    def __init__(self, principal_arn: str) -> None:
        super().__init__(
            f"These credentials of {principal_arn} were not made by RedeemSignInToken, and only those can be ended by "
            "this call. An access key is made inactive by iam:UpdateAccessKey; other temporary credentials are good "
            "until they expire, unless a policy denies by aws:TokenIssueTime."
        )


class LimitExceededException(AwsError):
    """A principal has too many open sign-in tokens."""

    code = "LimitExceededException"

    def __init__(self, principal_arn: str) -> None:
        super().__init__(
            f"{principal_arn} has {OPEN_TOKENS} open sign-in tokens, the most allowed: redeem one, or wait "
            f"{TOKEN_SECONDS} seconds until they end."
        )


class ResourceNotFoundException(AwsError):
    """The account has made no request of an id, or it is too old to be found."""

    code = "ResourceNotFoundException"

    def __init__(self, request_id: str, account: str, days: int, megabytes: int) -> None:
        super().__init__(
            f"The account {account} has no request with the id {request_id} in the newest {megabytes} MB of the trail, "
            f"which is kept for {days} days. `reading-room access explain {request_id}` looks through all of it."
        )
