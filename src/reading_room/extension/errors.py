"""Errors of the API reading-room, one class per code of its model; errors common to all services are in ``aws``."""

from __future__ import annotations

from reading_room.aws.errors import AwsError
from reading_room.fleet.errors import HostError, UnknownHost
from reading_room.iam.sign_in import OPEN_TOKENS, TOKEN_SECONDS


class InvalidSignInTokenException(AwsError):
    """A sign-in token cannot be redeemed; the message does not say why."""

    code = "InvalidSignInTokenException"

    def __init__(self) -> None:
        super().__init__(
            f"The sign-in token is not valid. A token works once, within {TOKEN_SECONDS} seconds: create a new one."
        )


class InvalidSessionException(AwsError):
    """The caller's credentials are not of a kind that their holder can end."""

    code = "InvalidSessionException"

    def __init__(self, principal_arn: str) -> None:
        super().__init__(
            f"These credentials of {principal_arn} were not created by RedeemSignInToken, and this call can end only "
            "those. iam:UpdateAccessKey deactivates an access key; other temporary credentials are valid until they "
            "expire, unless a policy denies them by aws:TokenIssueTime."
        )


class LimitExceededException(AwsError):
    """A principal has too many open sign-in tokens; the subclass is about recall profiles."""

    code = "LimitExceededException"

    def __init__(self, principal_arn: str) -> None:
        super().__init__(
            f"{principal_arn} has {OPEN_TOKENS} open sign-in tokens, the most allowed: redeem one, or wait "
            f"{TOKEN_SECONDS} seconds until they expire."
        )


class TooManyPiiProfiles(LimitExceededException):
    """An account has too many recall profiles."""

    def __init__(self, account: str, most: int) -> None:
        AwsError.__init__(self, f"The account {account} has {most} recall profiles, the most allowed: delete one.")


class InvalidPiiProfileException(AwsError):
    """Content is no recall profile, or one that holds for another engine."""

    code = "InvalidPiiProfileException"

    def __init__(self, problem: str) -> None:
        super().__init__(f"The recall profile cannot be used: {problem}.")


class PiiProfileNotFoundException(AwsError):
    """The account has no recall profile with a name."""

    code = "PiiProfileNotFoundException"

    def __init__(self, name: str, account: str) -> None:
        super().__init__(f"The account {account} has no recall profile {name}: ListPiiProfiles has those that it has.")


class PiiProfileInUseException(AwsError):
    """A recall profile is the default, which a change would take away."""

    code = "PiiProfileInUseException"

    def __init__(self, name: str, language: str) -> None:
        super().__init__(
            f"The recall profile {name} is the account's default for {language}: set another default, or call "
            f"ClearDefaultPiiProfile, before you delete it or store one of another language in its place."
        )


class ResourceInUseException(AwsError):
    """The record of a job cannot be erased now, because something needs it."""

    code = "ResourceInUseException"

    @classmethod
    def by_running(cls, job_id: str, status: str) -> ResourceInUseException:
        """Return the error for a job that has not ended."""
        return cls(f"The job {job_id} is {status}: stop it, or wait for its end, before you purge it.")

    @classmethod
    def by_model(cls, model_arn: str) -> ResourceInUseException:
        """Return the error for the training of a custom model."""
        return cls(f"The job trains {model_arn}, which needs its record: delete the model to erase it.")


class ResourceNotFoundException(AwsError):
    """The account made no request with an id, or the request is too old to be found."""

    code = "ResourceNotFoundException"

    def __init__(self, request_id: str, account: str, days: int, megabytes: int) -> None:
        super().__init__(
            f"The account {account} has no request with the id {request_id} in the newest {megabytes} MB of the trail, "
            f"which is kept for {days} days. `reading-room access explain {request_id}` searches all of it."
        )


class TestingOffException(AwsError):
    """An operation for tests was called in a product that was not started for tests."""

    __test__ = False
    code = "TestingOffException"

    def __init__(self, operation: str) -> None:
        super().__init__(
            f"{operation} is only for tests: start a product with READING_ROOM_TESTING=on and a data folder of its own."
        )


class NotOperatorException(AwsError):
    """The caller belongs to another account than the first one."""

    code = "NotOperatorException"

    def __init__(self, operation: str, caller: str, operator: str) -> None:
        super().__init__(
            f"{operation} was called by account {caller}: sign it with a key of the first account, {operator}."
        )


class AccountExistsException(AwsError):
    """The account to create exists already."""

    code = "AccountExistsException"

    def __init__(self, account: str) -> None:
        super().__init__(f"Account {account} exists already: give another number, or none.")


class AccountNotFoundException(AwsError):
    """The account to delete was not created by CreateTestAccount, or does not exist."""

    code = "AccountNotFoundException"

    def __init__(self, account: str) -> None:
        super().__init__(f"CreateTestAccount created no account {account}: only such an account can be deleted.")


class HostsOffException(AwsError):
    """No host can join, because the server does not listen for hosts."""

    code = "HostsOffException"

    def __init__(self) -> None:
        super().__init__(
            "The server does not listen for hosts: set READING_ROOM_HOSTS_LISTEN to an address and port of this "
            "machine, such as 10.0.0.1:4569, and start it again."
        )


class HostNotFoundException(AwsError):
    """No host has the name in a request."""

    code = "HostNotFoundException"

    def __init__(self, error: UnknownHost) -> None:
        super().__init__(str(error))


class HostRefusedException(AwsError):
    """A rule on hosts forbids a change."""

    code = "HostRefusedException"

    def __init__(self, error: HostError) -> None:
        super().__init__(str(error))
