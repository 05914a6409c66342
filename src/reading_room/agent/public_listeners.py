"""What ``serve`` and the agent tell each other about the fronts of listen addresses outside of VPCs.

A message is one document on a Unix socket (``SOCK_SEQPACKET``), beside the agent's own. The agent never gets a
listening socket: ``serve`` passes that to the front, on the channel that the agent makes between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SOCKET = "fronts.sock"
"""The name of the socket, in the folder of the agent's own."""
DOCUMENT_LIMIT = 4_096

PublicListener = Literal["apis", "apis-https", "console", "metrics"]
"""A listen address of one ``serve``."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """``serve`` wants a front for each of these, as long as this connection lasts. It is sent once, at first."""

    listeners: tuple[PublicListener, ...]


@dataclass(frozen=True, slots=True)
class Replace:
    """``serve`` no longer listens to the front of this listener: end it, and start another one."""

    listener: PublicListener


@dataclass(frozen=True, slots=True)
class FromServe:
    """What ``serve`` sends."""

    body: Wanted | Replace


@dataclass(frozen=True, slots=True)
class Started:
    """A front has started. It comes with one descriptor: the end of ``serve`` of the channel to it."""

    listener: PublicListener
