"""The new host's side of joining. It trusts nobody but the authority whose fingerprint is in its invitation."""

from __future__ import annotations

import hashlib
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reading_room.agent.errors import FrameTooLarge
from reading_room.agent.frames import FrameReader, Greeting, send_frame
from reading_room.agent.underlay_addresses import read_addresses
from reading_room.clock import Clock, system_clock
from reading_room.codec import DocumentError, encode
from reading_room.fleet.certificates import SERVE_NAME, request_of
from reading_room.fleet.invitation import Invitation
from reading_room.hosts.joining.clocks import check_clock
from reading_room.hosts.joining.documents import (
    ANSWER_LIMIT,
    Answer,
    Authority,
    AuthorityWanted,
    JoinWanted,
    Label,
    NotWelcome,
    Question,
    Welcome,
    read_answer,
)
from reading_room.hosts.joining.errors import JoinError
from reading_room.hosts.joining.host_folder import HostFolder, Joined
from reading_room.hosts.joining.tls import client_context

SECONDS = 15.0
"""How long the server may take to accept a connection, and to answer."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a host says of itself. ``zone`` and ``underlay`` may be empty.

    The zone is then the region's first one, and the address that from which the host reaches ``serve``.
    """

    host: str
    zone: str
    underlay: str
    cores: int
    memory_bytes: int
    labels: Mapping[str, str]


def join(
    folder: HostFolder,
    invitation: Invitation,
    description: Description,
    clock: Clock = system_clock,
    addresses: Callable[[], Mapping[str, int]] = read_addresses,
) -> Joined:
    """Join an installation, keep what it takes in the folder, and return the record. Raises ``JoinError``.

    It can be repeated until it succeeds, with the same invitation: the host's key stays the same, and the server
    recognizes it. ``addresses`` returns those that the host could have in the underlay, with the MTU of each.
    """
    joined = folder.joined()
    if joined is not None and joined.installation != invitation.fingerprint:
        raise JoinError(
            f"{folder.path} belongs to the host {joined.host} of another installation, at {joined.server}: choose "
            "another folder with --data, or delete this one."
        )
    if joined is not None and joined.host != description.host:
        raise JoinError(
            f"{folder.path} belongs to the host {joined.host} of this installation: choose another folder with --data, "
            f"or join again as {joined.host}."
        )
    known = addresses()
    if description.underlay:
        _mtu(description.underlay, known)  # What is wrong here is said before anything is sent.
    authority = _authority(invitation, clock)
    key = folder.key()
    with _connected(invitation, client_context(authority)) as connection:
        underlay = description.underlay or str(connection.getsockname()[0])
        wanted = JoinWanted(
            token=invitation.secret,
            host=description.host,
            request=request_of(key, description.host),
            zone=description.zone,
            labels=tuple(Label(key, value) for key, value in description.labels.items()),
            underlay=underlay,
            mtu=_mtu(underlay, known),
            cores=description.cores,
            memory_bytes=description.memory_bytes,
            time=clock().timestamp(),
        )
        welcome = _asked(connection, invitation, wanted)
    if not isinstance(welcome, Welcome) or welcome.host != description.host:
        raise _odd(invitation, "it answers something else")
    joined = Joined(
        host=welcome.host,
        number=welcome.number,
        zone=welcome.zone,
        region=welcome.region,
        underlay=underlay,
        server=invitation.place,
        installation=invitation.fingerprint,
    )
    folder.keep(joined, welcome.certificate, authority)
    return joined


def _mtu(underlay: str, addresses: Mapping[str, int]) -> int:
    """Return what the link of an address carries. Raises ``JoinError`` if there is none."""
    if underlay not in addresses:
        raise JoinError(
            f"The address {underlay} is on no network interface of this host: give one that `ip -4 address` shows, and "
            "that other hosts can reach."
        )
    return addresses[underlay]


def _authority(invitation: Invitation, clock: Clock) -> str:
    """Return the authority (PEM) whose fingerprint the invitation has, from a server that is not verified yet."""
    with _connected(invitation, client_context(None)) as connection:
        answer = _asked(connection, invitation, AuthorityWanted())
    if not isinstance(answer, Authority):
        raise _odd(invitation, "it answers something else")
    try:
        certificate = ssl.PEM_cert_to_DER_cert(answer.certificate)
    except ValueError as error:
        raise _odd(invitation, "it answers something else") from error
    if hashlib.sha256(certificate).hexdigest() != invitation.fingerprint:
        raise JoinError(
            f"The server at {invitation.place} belongs to another installation than the token: create a token where "
            "that server runs."
        )
    # Certificates depend on the clock, so this message would come too late after the next connection.
    check_clock(clock().timestamp(), answer.time)
    return answer.certificate


def _connected(invitation: Invitation, context: ssl.SSLContext) -> ssl.SSLSocket:
    """Return a connection to the server, verified by the context. Raises ``JoinError``."""
    try:
        plain = socket.create_connection((invitation.address, invitation.port), SECONDS)
    except OSError as error:
        raise JoinError(
            f"Nothing answers at {invitation.place} ({error.strerror or error}): set READING_ROOM_HOSTS_LISTEN="
            f"{invitation.place} where serve runs, start it again, and let no firewall be in between."
        ) from error
    try:
        return context.wrap_socket(plain, server_hostname=SERVE_NAME)
    except OSError as error:
        plain.close()
        raise _odd(invitation, str(getattr(error, "verify_message", "") or error.strerror or error)) from error


def _asked(
    connection: ssl.SSLSocket, invitation: Invitation, wanted: AuthorityWanted | JoinWanted
) -> Authority | Welcome:
    """Ask the one question of a connection. Raises ``JoinError``, with the server's own words if it refuses."""
    try:
        send_frame(connection, encode(Question(Greeting(), wanted)))
        document = FrameReader(connection, take_descriptors=False, limit=ANSWER_LIMIT).read()
        if document is None:
            raise _odd(invitation, "it closes the connection")
        answer: Answer = read_answer(document)
    except (OSError, DocumentError, FrameTooLarge) as error:
        raise _odd(invitation, str(error)) from error
    if isinstance(answer.body, NotWelcome):
        raise JoinError(answer.body.message)
    return answer.body


def _odd(invitation: Invitation, reason: str) -> JoinError:
    return JoinError(
        f"What answers at {invitation.place} is not the server that the token is for ({reason}): check that "
        "READING_ROOM_HOSTS_LISTEN has this address where serve runs, and create another token there."
    )
