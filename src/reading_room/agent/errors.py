"""The errors of the privileged process; each message says what to do."""

from __future__ import annotations

from pathlib import Path

from reading_room.codec import DocumentError


class AgentError(Exception):
    """The agent, or the holder of its namespaces, cannot do its work."""


class HolderFailed(AgentError):
    """The process that holds the namespaces did not come up."""

    def __init__(self, reason: str, rootless: bool) -> None:
        hint = "; this machine may forbid user namespaces for ordinary users" if rootless else ""
        super().__init__(f"the holder of the namespaces did not start: {reason}{hint}")


class PathNotVisible(AgentError):
    """A file that containers need cannot be shown to them."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be shown to other user ids: {reason}")


class SpecRefused(AgentError):
    """A document from the server breaks an invariant, so none of it is applied."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the document was refused: {reason}")


class FrameTooLarge(DocumentError):
    """A document is larger than the channel allows."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"a document of {size} bytes is larger than the {limit} that the channel allows")
