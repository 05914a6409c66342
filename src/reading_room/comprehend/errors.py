"""Comprehend's errors, one class per message.

Messages have the service's form ``UPPER_SNAKE_CODE: One sentence.``, and the sentence names the field and its value.
"""

from __future__ import annotations

from collections.abc import Sequence

from reading_room.analysis.event_types import EVENT_TYPES
from reading_room.aws.errors import AwsError


class InvalidRequestException(AwsError):
    """The request breaks a rule that is not in the API model."""

    code = "InvalidRequestException"


class DuplicateIds(InvalidRequestException):
    """A list in VpcConfig names an id twice."""

    def __init__(self, member: str, identifier: str) -> None:
        super().__init__(f"DUPLICATE_ID: VpcConfig.{member} has {identifier!r} more than once.")


class JobLanguageNotSupported(InvalidRequestException):
    """The language is valid, but the engine for this kind of job does not support it."""

    def __init__(self, operation: str, language: str, supported: Sequence[str]) -> None:
        super().__init__(
            f"UNSUPPORTED_LANGUAGE: {operation} does not support LanguageCode {language!r}; "
            f"supported: {', '.join(supported)}."
        )


class BothModelAndFlywheel(InvalidRequestException):
    """A request names both a custom model and a flywheel."""

    def __init__(self, member: str) -> None:
        super().__init__(f"INVALID_PARAMETERS: {member} and FlywheelArn cannot be given together.")


class FlywheelOfOtherType(InvalidRequestException):
    """A job needs a flywheel whose models do its kind of work."""

    def __init__(self, flywheel: str, model: str) -> None:
        super().__init__(
            f"INVALID_PARAMETERS: FlywheelArn {flywheel} has the active model {model}, which does other work than this "
            "job."
        )


class NeitherModelNorFlywheel(InvalidRequestException):
    """A kind of job without a built-in engine needs a custom model."""

    def __init__(self, operation: str, member: str) -> None:
        super().__init__(f"INVALID_PARAMETERS: {operation} needs {member} or FlywheelArn.")


class ReaderConfigNotSupported(InvalidRequestException):
    """DocumentReaderConfig is for the documents of jobs with custom models, and for Bytes."""

    def __init__(self) -> None:
        super().__init__(
            "INVALID_PARAMETERS: DocumentReaderConfig is for jobs with a custom model and for Bytes, and only plain "
            "text is read here: leave it out."
        )


class ReaderActionNotSupported(InvalidRequestException):
    """Tables and forms are not recognised."""

    def __init__(self, action: str) -> None:
        super().__init__(
            f"INVALID_PARAMETERS: DocumentReadAction {action} with its FeatureTypes recognises tables and forms, which "
            "are not recognised here: use TEXTRACT_DETECT_DOCUMENT_TEXT without FeatureTypes."
        )


class DocumentsPerFileOnly(InvalidRequestException):
    """Documents of any kind are files, and not lines."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"INVALID_PARAMETERS: {cause} needs InputDataConfig.InputFormat ONE_DOC_PER_FILE.")


class DocumentsTagInvalid(InvalidRequestException):
    """A tag that says how documents are read has a value that it does not take."""

    def __init__(self, key: str, value: str, expected: str) -> None:
        super().__init__(f"INVALID_TAG: Tag {key!r} has the value {value!r}; {expected}.")


class TextOrBytes(InvalidRequestException):
    """DetectEntities needs either Text or Bytes, and a language."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"INVALID_PARAMETERS: {problem}")


REASONS = {
    "DOCUMENT_SIZE_EXCEEDED": "DOCUMENT_SIZE_EXCEEDED",
    "INVALID_DOCUMENT": "INVALID_DOCUMENT",
    "PAGE_LIMIT_EXCEEDED": "PAGE_LIMIT_EXCEEDED",
    "UNSUPPORTED_DOC_TYPE": "UNSUPPORTED_DOC_TYPE",
    "UNSUPPORTED_ENCODING": "UNSUPPORTED_DOC_TYPE",
}
"""The codes of documents that cannot be read, each with the reason that the API has for it."""


class PromptInBytes(InvalidRequestException):
    """The endpoint for prompt safety reads plain text only."""

    def __init__(self, arn: str) -> None:
        super().__init__(
            f"INVALID_PARAMETERS: {arn} takes a prompt as Text, without Bytes and without DocumentReaderConfig."
        )


class TooManySegments(InvalidRequestException):
    """A call for toxic content has too many texts. The API has no error of its own for that."""

    def __init__(self, limit: int, count: int) -> None:
        super().__init__(f"INVALID_PARAMETERS: TextSegments has {count} texts; it takes at most {limit}.")


class DocumentRefused(InvalidRequestException):
    """The document in Bytes cannot be read. ``Reason`` and ``Detail`` are what the API defines for it."""

    def __init__(self, code: str, problem: str) -> None:
        reason = REASONS[code]
        super().__init__(
            f"{reason}: The document cannot be read: {problem}.",
            {"Reason": "INVALID_DOCUMENT", "Detail": {"Reason": reason}},
        )


class InvalidLocation(InvalidRequestException):
    """A location is not the location of an object."""

    def __init__(self, member: str, problem: str) -> None:
        super().__init__(f"INVALID_S3_URI: {member} {problem}.")


class InvalidRoleAccount(InvalidRequestException):
    """The role belongs to another account."""

    def __init__(self, role_arn: str, account: str) -> None:
        super().__init__(f"INVALID_ROLE: DataAccessRoleArn {role_arn} is not a role of the caller's account {account}.")


class JobNotStoppable(InvalidRequestException):
    """A job that has ended cannot be stopped."""

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"JOB_NOT_STOPPABLE: Job {job_id} is {status} and cannot be stopped.")


class InvalidNextToken(InvalidRequestException):
    """The token was not returned by this operation for this filter."""

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
    """The value of the tag for the number of containers is not a valid number."""

    def __init__(self, key: str, value: str, most: int) -> None:
        super().__init__(f"INVALID_TAG: Tag {key!r} has the value {value!r}; it takes a whole number from 1 to {most}.")


class ScheduleTagInvalid(InvalidRequestException):
    """The value of the tag for a schedule is no schedule, or the tag is on something that has none."""

    def __init__(self, key: str, value: str, problem: str) -> None:
        super().__init__(
            f"INVALID_TAG: Tag {key!r} has the value {value!r}; on a flywheel it takes a rate such as rate(7 days), "
            f"with minutes, hours or days, or a time in UTC such as cron(0 3 ? * SUN *): {problem}."
        )


class AliasTagInvalid(InvalidRequestException):
    """The value of the tag for an alias could not be the name of a version."""

    def __init__(self, key: str, alias: str) -> None:
        super().__init__(
            f"INVALID_TAG: Tag {key!r} has the value {alias!r}; it takes 1 to 63 letters, digits and hyphens, as the "
            "name of a version."
        )


class AliasAmbiguous(InvalidRequestException):
    """Several versions of a model have the alias in an ARN."""

    def __init__(self, key: str, alias: str, arns: Sequence[str]) -> None:
        super().__init__(
            f"AMBIGUOUS_ALIAS: {', '.join(arns)} have the tag {key}={alias}: remove it from all versions but one."
        )


class RunsInOneContainer(InvalidRequestException):
    """The tag asks for several containers, but this kind of work cannot be divided."""

    def __init__(self, key: str, value: int, analysis: str) -> None:
        super().__init__(
            f"INVALID_TAG: Tag {key!r} has the value '{value}', but {analysis} runs in one container: leave the tag "
            "out, or give it the value '1'."
        )


class VpcTagInvalid(InvalidRequestException):
    """The value of the tag for the network of a job does not name one."""

    def __init__(self, key: str, value: str, problem: str) -> None:
        super().__init__(
            f"INVALID_TAG: Tag {key!r} has the value {value!r}; it takes the ids of 1 to 16 subnets and of 1 to 5 "
            f"security groups, separated by blanks, but {problem}."
        )


class VpcTagNotUsed(InvalidRequestException):
    """The tag for the network of a job is given to an operation that has a VpcConfig."""

    def __init__(self, key: str, operation: str) -> None:
        super().__init__(f"INVALID_TAG: Tag {key!r} is for jobs without VpcConfig: use the VpcConfig of {operation}.")


class PiiProfileTagInvalid(InvalidRequestException):
    """The tag for the recall profile of a job names none that the job can keep to."""

    def __init__(self, key: str, value: str, problem: str) -> None:
        super().__init__(
            f"INVALID_TAG: Tag {key!r} has the value {value!r}; it takes the name of a recall profile of the account, "
            f"but {problem}."
        )


class TagFixed(InvalidRequestException):
    """A tag that says how a job runs cannot change after its submission."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"INVALID_TAG: Tag {key!r} is fixed when a job is submitted: it cannot be added, changed or removed."
        )


class InvalidRedaction(InvalidRequestException):
    """The Mode and the RedactionConfig of a request do not fit together."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"INVALID_PARAMETERS: {problem}")


class UnknownEventTypes(InvalidRequestException):
    """A request names types of events that do not exist."""

    def __init__(self, types: Sequence[str]) -> None:
        named = ", ".join(repr(each) for each in types)
        super().__init__(f"INVALID_PARAMETERS: TargetEventTypes has {named}; choose from {', '.join(EVENT_TYPES)}.")


class InvalidFilterException(AwsError):
    """The filter has more than one criterion."""

    code = "InvalidFilterException"

    def __init__(self, criteria: Sequence[str]) -> None:
        super().__init__(f"INVALID_FILTER: Filter takes one known criterion, but has {', '.join(criteria)}.")


class JobNotFoundException(AwsError):
    """The job does not exist, or is of another type."""

    code = "JobNotFoundException"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"JOB_NOT_FOUND: Could not find a job of this type with JobId {job_id}.")


class ResourceInUseException(AwsError):
    """The client token was used for another request."""

    code = "ResourceInUseException"

    def __init__(self, token: str, job_id: str) -> None:
        super().__init__(
            f"TOKEN_IN_USE: ClientRequestToken {token} started job {job_id} with other parameters; "
            "use a new token for a new job."
        )


class ResourceNotFoundException(AwsError):
    """The ARN names no resource. The message is the service's own."""

    code = "ResourceNotFoundException"

    def __init__(self) -> None:
        super().__init__("RESOURCE_NOT_FOUND: Could not find specified resource.")


class ResourceUnavailableException(AwsError):
    """A model or endpoint cannot be used."""

    code = "ResourceUnavailableException"

    def __init__(self, arn: str) -> None:
        super().__init__(f"RESOURCE_UNAVAILABLE: There is no endpoint {arn} in service.")


class UnsupportedLanguageException(AwsError):
    """The language is valid, but the engine for this synchronous call does not support it."""

    code = "UnsupportedLanguageException"

    def __init__(self, operation: str, language: str, supported: Sequence[str]) -> None:
        super().__init__(
            f"UNSUPPORTED_LANGUAGE: {operation} does not support LanguageCode {language!r}; "
            f"supported: {', '.join(supported)}."
        )


class TextSizeLimitExceededException(AwsError):
    """A synchronous call has a text that is too long. The message is the service's own."""

    code = "TextSizeLimitExceededException"

    def __init__(self, limit: int, size: int) -> None:
        super().__init__(
            f"Input text size exceeds limit. Max length of request text allowed is {limit} bytes "
            f"while in this request the text size is {size} bytes"
        )


class BatchSizeLimitExceededException(AwsError):
    """A batch has too many documents."""

    code = "BatchSizeLimitExceededException"

    def __init__(self, limit: int, count: int) -> None:
        super().__init__(
            f"BATCH_SIZE_LIMIT_EXCEEDED: TextList can have {limit} documents, this one has {count}: split it."
        )


class KmsKeyValidationException(AwsError):
    """The key cannot be used: there is no KMS here, so no key exists."""

    code = "KmsKeyValidationException"

    def __init__(self, member: str, key: str) -> None:
        super().__init__(f"KMS_KEY_NOT_FOUND: {member} {key!r} names no key that this service can use.")


class TooManyTagsException(AwsError):
    """A resource would have too many tags."""

    code = "TooManyTagsException"

    def __init__(self, limit: int, count: int) -> None:
        super().__init__(f"TOO_MANY_TAGS: A resource can have {limit} tags, this one would have {count}.")


class TooManyTagKeysException(AwsError):
    """A request names too many tag keys."""

    code = "TooManyTagKeysException"

    def __init__(self, limit: int, count: int) -> None:
        super().__init__(f"TOO_MANY_TAG_KEYS: A request can name {limit} keys, this one names {count}.")


class TooManyRequestsException(AwsError):
    """A quota is used up."""

    code = "TooManyRequestsException"


class TooManyJobs(TooManyRequestsException):
    """The account has as many active jobs of this type as its quota allows."""

    def __init__(self, kind: str, quota: int) -> None:
        super().__init__(f"TOO_MANY_ACTIVE_JOBS: {quota} jobs of type {kind} are active, which is the maximum.")


class TooManyWaiting(TooManyRequestsException):
    """The account has as many waiting jobs as its quota allows."""

    def __init__(self, quota: int) -> None:
        super().__init__(
            f"TOO_MANY_WAITING_JOBS: {quota:,} jobs of the account are waiting to start, which is the maximum "
            "(READING_ROOM_JOBS_WAITING_PER_ACCOUNT). Wait until some have started, or stop some."
        )


class RateExceeded(TooManyRequestsException):
    """The account calls an operation too often."""

    def __init__(self, operation: str, rate: float) -> None:
        super().__init__(f"RATE_EXCEEDED: {operation} can be called {rate:g} times a second.")


class InternalServerException(AwsError):
    """The engine behind a synchronous call did not answer."""

    code = "InternalServerException"
    status = 500

    def __init__(self, reason: str) -> None:
        super().__init__(f"INTERNAL_ERROR: {reason}")


class NoRoomForJobs(InternalServerException):
    """The disk has no room for the output of a new job."""

    def __init__(self, floor: int) -> None:
        super().__init__(
            f"No job can be accepted: the service's disk is full except for the {floor:,} bytes that must stay free "
            "(READING_ROOM_STORAGE_FREE). Delete objects, or free disk space."
        )


class EngineFailedText(InternalServerException):
    """The engine could not analyse this text. The message is the service's own."""

    def __init__(self) -> None:
        AwsError.__init__(self, "Unexpected Server Error. Please try again.")
