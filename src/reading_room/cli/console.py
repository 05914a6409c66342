"""``reading-room console``: the URL of the web console, and a link that signs in to it once."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Annotated
from urllib.parse import quote

import typer
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from reading_room.cli.answers import not_answered
from reading_room.cli.folder import StartError
from reading_room.cli.options import (
    CertificateOption,
    ConsolePortOption,
    DataOption,
    HostOption,
    KeyOption,
    PortOption,
    TlsPortOption,
    command,
    read_settings,
)
from reading_room.cli.running import endpoint_of, listening
from reading_room.cli.screen import fail, print_line
from reading_room.client import connect
from reading_room.clock import system_clock
from reading_room.console.listen_address import console_url
from reading_room.hosts.listen_addresses import ListenAddressError, listen_addresses
from reading_room.settings import Settings

LinkOption = Annotated[
    bool, typer.Option("--link/--no-link", help="Also make a link that signs in the first administrator.")
]


def console(
    data: DataOption = None,
    port: PortOption = None,
    host: HostOption = None,
    tls_port: TlsPortOption = None,
    tls_cert: CertificateOption = None,
    tls_key: KeyOption = None,
    console_port: ConsolePortOption = None,
    link: LinkOption = True,
    link_only: Annotated[bool, typer.Option("--link-only", hidden=True)] = False,
) -> None:
    """Print the web console's URL, and on a terminal a link that signs in once within 60 seconds."""
    settings = read_settings(data, port, host, tls_port, tls_cert, tls_key, console_port)
    try:
        url = console_url(settings)
        if url is None:
            raise StartError("the console is off (READING_ROOM_CONSOLE_PORT is 0): start `up` with a --console-port")
        if not listening(settings):
            raise StartError(
                f"nothing listens at {listen_addresses(settings)[0].url}: start it with `{command(settings, 'up')}`"
            )
        if not link_only:
            print_line(f"console URL {url}")
        if link:
            _print_link(settings, url)
    except (StartError, ListenAddressError) as error:
        raise fail(str(error)) from None
    except (ClientError, BotoCoreError, ResponseParserError) as error:
        raise fail(f"no sign-in link: {not_answered(error, settings)}") from None


def _print_link(settings: Settings, url: str) -> None:
    """Print a new link. Raises ``StartError`` if the output might be kept: anyone with an unused link can sign in."""
    if not sys.stdout.isatty():
        raise StartError(
            "a sign-in link is printed on a terminal only, because a file or a pipe might keep it: run this on a "
            "terminal, or add --no-link to print only the URL"
        )
    endpoint = endpoint_of(settings)
    client = connect(
        "reading-room",
        endpoint.url,
        access_key_id=endpoint.access_key_id,
        secret_access_key=endpoint.secret_access_key,
        region=endpoint.region,
        verify=endpoint.authority,
    )
    made = client.create_sign_in_token()
    expires: dt.datetime = made["ExpiresAt"]
    seconds = max(0, round((expires - system_clock()).total_seconds()))
    # The part after the # stays in the browser: no request for a page contains it, and no log.
    print_line(f"sign-in link {url}sign-in#{quote(made['Token'], safe='')}")
    print_line(f"The link works once, within {seconds} s. To get another one: {command(settings, 'console')}")
