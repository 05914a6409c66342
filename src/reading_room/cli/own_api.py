"""A client of the API ``reading-room`` for a command, which ends with one sentence if a call fails."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from reading_room.cli.folder import StartError
from reading_room.cli.screen import fail
from reading_room.settings import Settings


@contextmanager
def own_api(settings: Settings, refusals: Collection[str]) -> Iterator[Any]:
    """Yield the client. ``refusals`` are the codes of errors whose messages are written for whoever types commands."""
    # ``host run`` is imported with its commands and lives long, and the SDK takes 40 MB.
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    from reading_room.cli import reading
    from reading_room.cli.answers import not_answered, not_running
    from reading_room.cli.running import endpoint_of

    try:
        yield reading.Account(endpoint_of(settings)).client("reading-room")
    except StartError as error:
        raise fail(str(error)) from None
    except ClientError as error:
        known = error.response["Error"]["Code"] in refusals
        raise fail(error.response["Error"]["Message"] if known else not_answered(error, settings)) from None
    except ResponseParserError as error:
        raise fail(not_answered(error, settings)) from None
    except BotoCoreError as error:
        raise fail(not_running(error, settings)) from None
