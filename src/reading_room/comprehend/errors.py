"""Comprehend's errors, one class per code; classes that share a code differ in what their message is built from.

The service's own style is ``UPPER_SNAKE_CODE: One sentence.``; the sentence says which field and which value.
"""

from __future__ import annotations

from collections.abc import Sequence

from reading_room.aws.errors import AwsError


class InvalidRequestException(AwsError):
    """The request breaks a rule that the model does not know."""

    code = "InvalidRequestException"


class DuplicateIds(InvalidRequestException):
    """A list of VpcConfig names an id twice."""

    def __init__(self, member: str, identifier: str) -> None:
        super().__init__(f"DUPLICATE_ID: VpcConfig.{member} has {identifier!r} more than once.")


class JobLanguageNotSupported(InvalidRequestException):
    """The language is valid, but no engine for such a job knows it."""

    def __init__(self, operation: str, language: str, supported: Sequence[str]) -> None:
        super().__init__(
            f"UNSUPPORTED_LANGUAGE: {operation} does not support LanguageCode {language!r}; "
            f"supported: {', '.join(supported)}."
        )


class BothModelAndFlywheel(InvalidRequestException):
    """A custom model and a flywheel exclude each other."""

    def __init__(self, member: str) -> None:
        super().__init__(f"INVALID_PARAMETERS: {member} and FlywheelArn cannot be given together.")


class NeitherModelNorFlywheel(InvalidRequestException):
    """A kind without a built-in engine needs a custom model."""

    def __init__(self, operation: str, member: str) -> None:
        super().__init__(f"INVALID_PARAMETERS: {operation} needs {member} or FlywheelArn.")


class ReaderConfigNotSupported(InvalidRequestException):
    """DocumentReaderConfig is for documents that are read by recognition of characters."""

    def __init__(self) -> None:
        super().__init__(
            "INVALID_PARAMETERS: DocumentReaderConfig is for scanned and native documents, and only plain text is read "
            "here: leave it out."
        )


class TextOrBytes(InvalidRequestException):
    """DetectEntities needs a text and, without a custom model, takes no document."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"INVALID_PARAMETERS: {problem}")


class InvalidLocation(InvalidRequestException):
    """A location cannot be that of an object."""

    def __init__(self, member: str, problem: str) -> None:
        super().__init__(f"INVALID_S3_URI: {member} {problem}.")


class InvalidRoleAccount(InvalidRequestException):
    """Passing a role of another account is refused."""

    def __init__(self, role_arn: str, account: str) -> None:
        super().__init__(f"INVALID_ROLE: DataAccessRoleArn {role_arn} is not a role of the caller's account {account}.")


class JobNotStoppable(InvalidRequestException):
    """A job that has ended cannot be stopped."""

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"JOB_NOT_STOPPABLE: Job {job_id} is {status} and cannot be stopped.")


class InvalidNextToken(InvalidRequestException):
    """The token is not one that this list gave for this filter."""

    def __init__(self) -> None:
        super().__init__("INVALID_NEXT_TOKEN: NextToken was not returned by this operation for this Filter.")


class ReservedTagKey(InvalidRequestException):
    """A tag key begins with ``aws:``."""

    def __init__(self, key: str) -> None:
        super().__init__(f"INVALID_TAG: Tag key {key!r} begins with aws:, which is reserved.")


class DuplicateTagKey(InvalidRequestException):
    """A list of tags has a key twice."""

    def __init__(self, key: str) -> None:
        super().__init__(f"INVALID_TAG: Tag key {key!r} is given more than once.")


class ContainersTagInvalid(InvalidRequestException):
    """The tag for the number of containers has no such number as its value."""

    def __init__(self, key: str, value: str, most: int) -> None:
        super().__init__(f"INVALID_TAG: Tag {key!r} has the value {value!r}; it takes a whole number from 1 to {most}.")


class RunsInOneContainer(InvalidRequestException):
    """The tag for the number of containers asks for several where the work cannot be divided."""

    def __init__(self, key: str, value: int, analysis: str) -> None:
        super().__init__(
            f"INVALID_TAG: Tag {key!r} has the value '{value}', but {analysis} runs in one container: leave the tag "
            "out, or give it the value '1'."
        )


class InvalidFilterException(AwsError):
    """The filter has more than one criterion."""

    code = "InvalidFilterException"

    def __init__(self, criteria: Sequence[str]) -> None:
        super().__init__(f"INVALID_FILTER: Filter takes one known criterion, but has {', '.join(criteria)}.")


class JobNotFoundException(AwsError):
    """There is no such job of this type."""

    code = "JobNotFoundException"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"JOB_NOT_FOUND: Could not find a job of this type with JobId {job_id}.")


class ResourceInUseException(AwsError):
    """The client token belongs to another request."""

    code = "ResourceInUseException"

    def __init__(self, token: str, job_id: str) -> None:
        super().__init__(
            f"TOKEN_IN_USE: ClientRequestToken {token} started job {job_id} with other parameters; "
            "use a new token for a new job."
        )


class ResourceNotFoundException(AwsError):
    """The ARN names nothing. The text is the one that the service itself shows."""

    code = "ResourceNotFoundException"

    def __init__(self) -> None:
        super().__init__("RESOURCE_NOT_FOUND: Could not find specified resource.")


class ResourceUnavailableException(AwsError):
    """A model or endpoint cannot be used."""

    code = "ResourceUnavailableException"

    def __init__(self, arn: str) -> None:
        super().__init__(f"RESOURCE_UNAVAILABLE: There is no endpoint {arn} in service.")


class UnsupportedLanguageException(AwsError):
    """The language is valid, but no engine for this synchronous call knows it."""

    code = "UnsupportedLanguageException"

    def __init__(self, operation: str, language: str, supported: Sequence[str]) -> None:
        super().__init__(
            f"UNSUPPORTED_LANGUAGE: {operation} does not support LanguageCode {language!r}; "
            f"supported: {', '.join(supported)}."
        )


class TextSizeLimitExceededException(AwsError):
    """The text of a synchronous call is too long. The text is the one that the service itself shows."""

    code = "TextSizeLimitExceededException"

    def __init__(self, limit: int, size: int) -> None:
        super().__init__(
            f"Input text size exceeds limit. Max length of request text allowed is {limit} bytes "
            f"while in this request the text size is {size} bytes"
        )


class BatchSizeLimitExceededException(AwsError):
    """A batch has more documents than it may."""

    code = "BatchSizeLimitExceededException"

    def __init__(self, limit: int, count: int) -> None:
        super().__init__(
            f"BATCH_SIZE_LIMIT_EXCEEDED: TextList can have {limit} documents, this one has {count}: split it."
        )


class KmsKeyValidationException(AwsError):
    """The key cannot be used: there is no key service, so no key exists."""

    code = "KmsKeyValidationException"

    def __init__(self, member: str, key: str) -> None:
        super().__init__(f"KMS_KEY_NOT_FOUND: {member} {key!r} names no key that this service can use.")


class TooManyTagsException(AwsError):
    """A resource would have more tags than it may."""

    code = "TooManyTagsException"

    def __init__(self, limit: int, count: int) -> None:
        super().__init__(f"TOO_MANY_TAGS: A resource can have {limit} tags, this one would have {count}.")


class TooManyTagKeysException(AwsError):
    """A request names more tag keys than it may."""

    code = "TooManyTagKeysException"

    def __init__(self, limit: int, count: int) -> None:
        super().__init__(f"TOO_MANY_TAG_KEYS: A request can name {limit} keys, this one names {count}.")


class TooManyRequestsException(AwsError):
    """A quota is used up."""

    code = "TooManyRequestsException"


class TooManyJobs(TooManyRequestsException):
    """The account has as many active jobs of the type as it may."""

    def __init__(self, kind: str, quota: int) -> None:
        super().__init__(f"TOO_MANY_ACTIVE_JOBS: {quota} jobs of type {kind} are active, the most allowed.")


class TooManyWaiting(TooManyRequestsException):
    """The account has as many waiting jobs as it may."""

    def __init__(self, quota: int) -> None:
        super().__init__(
            f"TOO_MANY_WAITING_JOBS: {quota:,} jobs of the account wait for a place, the most allowed "
            "(READING_ROOM_JOBS_WAITING_PER_ACCOUNT). Wait until some have begun, or stop some."
        )


class RateExceeded(TooManyRequestsException):
    """The account calls an operation faster than it may."""

    def __init__(self, operation: str, rate: float) -> None:
        super().__init__(f"RATE_EXCEEDED: {operation} may be called {rate:g} times a second.")


class InternalServerException(AwsError):
    """The engine behind a synchronous call did not answer."""

    code = "InternalServerException"
    status = 500

    def __init__(self, reason: str) -> None:
        super().__init__(f"INTERNAL_ERROR: {reason}")


class NoRoomForJobs(InternalServerException):
    """The disk has no room for what a new job writes."""

    def __init__(self, floor: int) -> None:
        super().__init__(
            f"No job is taken: the disk of the service is full but for the {floor:,} bytes that stay free "
            "(READING_ROOM_STORAGE_FREE). Delete objects, or make room."
        )


class EngineFailedText(InternalServerException):
    """The engine could not analyse this one text. The text is the one that the service itself shows."""

    def __init__(self) -> None:
        AwsError.__init__(self, "Unexpected Server Error. Please try again.")
