"""``reading-room host join``: make this machine a host of an installation whose server runs on another one."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from reading_room.agent.capacity import read_capacity
from reading_room.agent.underlay_addresses import read_addresses, read_addresses_in
from reading_room.cli.claiming import check_folder, claim, refuse_installation
from reading_room.cli.folder import StartError
from reading_room.cli.options import DataOption, read_settings
from reading_room.cli.privileges import become_user_of_serve
from reading_room.cli.screen import fail, plain
from reading_room.cli.screen import output as console
from reading_room.fleet import invitation
from reading_room.fleet.errors import HostError
from reading_room.hosts.joining.host import Description, join
from reading_room.hosts.joining.host_folder import HostFolder
from reading_room.settings import Settings

_LONGEST = 1000
"""The most characters of a token that are read."""


def join_installation(
    token: Annotated[
        str | None,
        typer.Argument(
            help="What `reading-room host token` printed. By default it is asked for, or read from standard input: "
            "other users of this machine can see the arguments of a command.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of this host; by default that of the machine.")] = None,
    zone: Annotated[str, typer.Option(help="Its Availability Zone; by default the first one of the region.")] = "",
    underlay: Annotated[
        str,
        typer.Option(
            help="Its IPv4 address in the network between hosts; by default the one from which it reaches serve."
        ),
    ] = "",
    cores: Annotated[int | None, typer.Option(help="Cores that containers may use; by default all.")] = None,
    memory: Annotated[int | None, typer.Option(help="Bytes of memory that containers may use; by default all.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="A label, KEY=VALUE. May be repeated.")] = None,
    data: DataOption = None,
) -> None:
    """Join an installation as a further host, with a token that its operator created.

    It can be repeated with the same token if it was interrupted.
    """
    settings = read_settings(data)
    description = Description(
        host=_name() if name is None else name,
        zone=zone,
        underlay=underlay,
        cores=len(os.sched_getaffinity(0)) if cores is None else cores,
        memory_bytes=_memory() if memory is None else memory,
        labels=dict(_label(text) for text in label or ()),
    )
    try:
        invited = invitation.parse(_token() if token is None else token)
        refuse_installation(settings)
        if os.geteuid() != 0:
            raise StartError(
                "only root's agent can carry VPCs between hosts: run `host join`, and then `host run`, as root"
            )
        check_folder(settings)
        addresses = _plain_addresses(settings, underlay)
        claim(settings)
        become_user_of_serve(settings)
        joined = join(HostFolder.of(settings.data), invited, description, addresses=addresses)
    except (StartError, HostError) as error:
        raise fail(str(error)) from None
    console.print(
        f"{plain(joined.host)} has joined as host {joined.number} in {plain(joined.zone)}, with the address "
        f"{plain(joined.underlay)}.",
        soft_wrap=True,
    )


def _plain_addresses(settings: Settings, underlay: str) -> Callable[[], Mapping[str, int]]:
    """Return what tells the addresses in the underlay, which are in another namespace if nothing is encrypted.

    Only root can look there. Raises ``StartError``.
    """
    if settings.underlay == "encrypted":
        return read_addresses
    if not underlay:
        raise StartError(
            f"with READING_ROOM_UNDERLAY={settings.underlay}, --underlay must name this host's address in that "
            "namespace"
        )
    try:
        found = read_addresses_in(Path(settings.underlay.removeprefix("plain:")))
    except OSError as error:
        raise StartError(
            f"READING_ROOM_UNDERLAY={settings.underlay} names no network namespace ({error.strerror}): pin one there, "
            "for example with `ip netns add`"
        ) from error
    if underlay not in found:
        raise StartError(
            f"{underlay} is no address in the namespace of READING_ROOM_UNDERLAY={settings.underlay}, which has "
            f"{', '.join(sorted(found)) or 'none'}"
        )
    return lambda: found


def _token() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Token", hide_input=True))
    return sys.stdin.readline(_LONGEST)


def _memory() -> int:
    capacity = read_capacity()
    if capacity is None:
        raise fail("/proc/meminfo does not say how much memory this machine has: give --memory")
    return capacity.memory_bytes


def _name() -> str:
    """Return the machine's name as a host's name may be."""
    return re.sub("[^a-z0-9-]", "-", socket.gethostname().partition(".")[0].lower()).strip("-")


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise fail(f"--label {text}: give a key and a value, such as disk=ssd")
    return key, value
