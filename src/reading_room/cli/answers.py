"""Error messages for answers that a command did not expect."""

from __future__ import annotations

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from reading_room.cli.options import command
from reading_room.settings import Settings


def plain_message(error: Exception) -> str:
    """Return an error's message with bytes that are not text escaped."""
    return "\n".join([str(error), *getattr(error, "__notes__", ())]).encode("utf-8", "backslashreplace").decode()


def not_answered(error: Exception, settings: Settings) -> str:
    """Return the message for an SDK error; if something else may have answered, it says what to check."""
    says = str(error)
    if isinstance(error, S3UploadFailedError):
        return says
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        if code and not code.isdigit():
            return says
    if isinstance(error, ClientError | ResponseParserError):
        says = "the answer is not one that AWS gives"
    return f"{says}: is it Reading Room that listens on {settings.host}:{settings.port}? --port names another port"


def not_running(error: BotoCoreError, settings: Settings) -> str:
    """Return the message for when nothing answered."""
    return f"{error}: is the product running (`{command(settings, 'up')}`)?"
