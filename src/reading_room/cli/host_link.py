"""``link``: the process of a joined host that connects its agent to ``serve``."""

from __future__ import annotations

import os
import ssl

from reading_room.cli.folder import StartError
from reading_room.cli.guard import notifier
from reading_room.cli.lifeline import watch_lifeline
from reading_room.cli.log_lines import configure_logging, failure
from reading_room.cli.options import DataOption, DescriptorOption, read_settings
from reading_room.cli.privileges import become_user_of_serve, confine_link, keep_out_of_core_dumps
from reading_room.cli.processes import raise_descriptor_limit
from reading_room.codec import DocumentError
from reading_room.settings import Settings

AUTHORITY = "authority/authority.pem"
"""The file, in the data folder, with the certificate of the authority that containers trust."""
PLACES = "places.json"
"""The file beside it with the addresses of ``serve`` processes."""


def link(data: DataOption = None, lifeline: DescriptorOption = None, ready: DescriptorOption = None) -> None:
    """Run the unprivileged part of a joined host alone: the connections between its agent and `serve`."""
    from reading_room.hosts.link.connecting import LinkConfig
    from reading_room.hosts.link.documents import parse_place
    from reading_room.hosts.link.places import Places
    from reading_room.hosts.link.process import run

    settings = read_settings(data)
    configure_logging(settings, "link")
    try:
        # What this user can write decides nothing for root.
        become_user_of_serve(settings)
        context, joined_at, name = _membership(settings)
        authority = settings.data / AUTHORITY
        places = Places(joined_at, authority.with_name(PLACES))
        config = LinkConfig(settings.installation.socket, authority, places, context, name)
        keep_out_of_core_dumps()
        tell_systemd = notifier()
        confine_link(settings, authority.parent, {parse_place(place)[1] for place in places.all()})
    except (StartError, DocumentError) as error:
        raise failure(settings, error) from None
    watch_lifeline(lifeline)
    raise_descriptor_limit()

    def announce() -> None:
        tell_systemd("READY=1")
        if ready is not None:
            os.write(ready, b"ready\n")

    run(config, announce)


def _membership(settings: Settings) -> tuple[ssl.SSLContext, str, str]:
    """Return the host's TLS context, where ``serve`` is, and the name in its certificate. Raises ``StartError``."""
    from reading_room.fleet.certificates import SERVE_NAME
    from reading_room.hosts.joining.errors import JoinError
    from reading_room.hosts.joining.host_folder import HostFolder

    folder = HostFolder.of(settings.data)
    try:
        return folder.context(), folder.membership().server, SERVE_NAME
    except (JoinError, OSError) as error:
        raise StartError(str(error)) from error
