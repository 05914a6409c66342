"""The schema of a worker's messages: types, ranges and lengths. A line that breaks it is not a message.

Only the process that reads for the agent (``reader_process.py``) applies it, because that process has no privileges.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from reading_room.analysis.job_file import (
    CODE_PATTERN,
    COUNT_LIMIT,
    METADATA_LIMIT,
    SHA256_PATTERN,
    TEXT_LIMIT,
    Done,
    Failed,
    Progress,
    Ready,
    WorkerMessage,
)

Count = Annotated[int, Field(ge=0, lt=COUNT_LIMIT)]
Text = Annotated[str, Field(max_length=TEXT_LIMIT)]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ReadyLine(_Line):
    """The engine is loaded."""

    type: Literal["Ready"]

    def read(self) -> Ready:
        """Return the message."""
        return Ready()


class ProgressLine(_Line):
    """Documents finished so far."""

    type: Literal["Progress"]
    documents: Count
    of: Count = 0

    def read(self) -> Progress:
        """Return the message."""
        return Progress(self.documents, self.of)


class DoneLine(_Line):
    """The output is written."""

    type: Literal["Done"]
    documents: Count
    errors: Count
    size: Count
    sha256: Annotated[str, Field(pattern=f"^{SHA256_PATTERN}$")]
    stopped: bool = False
    metadata: Annotated[str, Field(max_length=METADATA_LIMIT)] = ""
    warning: Text = ""
    # A container of a version that did not count them yet may outlive an update.
    characters: Count = 0
    units: Count = 0
    input_bytes: Count = 0

    def read(self) -> Done:
        """Return the message."""
        return Done(
            self.documents,
            self.errors,
            self.size,
            self.sha256,
            self.stopped,
            self.metadata,
            self.warning,
            self.characters,
            self.units,
            self.input_bytes,
        )


class FailedLine(_Line):
    """The job cannot go on."""

    type: Literal["Failed"]
    code: Annotated[str, Field(pattern=f"^{CODE_PATTERN}$")]
    message: Text

    def read(self) -> Failed:
        """Return the message."""
        return Failed(self.code, self.message)


_LINES: TypeAdapter[ReadyLine | ProgressLine | DoneLine | FailedLine] = TypeAdapter(
    Annotated[ReadyLine | ProgressLine | DoneLine | FailedLine, Field(discriminator="type")]
)


class NoMessage(ValueError):
    """A line breaks the schema."""


def read_message(line: bytes) -> WorkerMessage:
    """Read one line that a worker wrote. Raises ``NoMessage``, which says where it breaks the schema."""
    try:
        return _LINES.validate_json(line).read()
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(ascii(part)[:40].strip("'") for part in first["loc"])
        raise NoMessage(f"{place + ': ' if place else ''}{ascii(first['msg'])[1:-1][:120]}") from None
