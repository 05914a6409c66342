"""``up``: the processes of the first host, which also has ``serve``.

    up ──┬── holder   owns the namespaces; one sleeping process, no code
         ├── agent    privileged, inside the holder's namespaces
         ├── serve    unprivileged: the APIs, S3, the database
         ├── trail-head, if the trail's head is sent somewhere
         ├── traces, if traces are
         ├── webhooks, if there is a web hook for state events
         └── slirp4netns, if it is the uplink

An ordinary user's holder is started by a further process, its starter.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

from reading_room.cli.folder import StartError, take_certificate
from reading_room.cli.holder_starter import HolderStarter
from reading_room.cli.host_processes import HostProcesses, for_unprivileged
from reading_room.cli.ready_file import ReadyFile
from reading_room.cli.root_key import hand_over
from reading_room.cli.running import ready_facts
from reading_room.cli.screen import print_line
from reading_room.cli.side_process import SideProcess
from reading_room.cli.traces import check_packages
from reading_room.cli.trail_head import check_destination
from reading_room.cli.webhooks import check_webhook
from reading_room.console.listen_address import console_url
from reading_room.hosts.listen_addresses import certificate_names, listen_addresses, local_address, own_authority
from reading_room.settings import Settings

log = logging.getLogger(__name__)

CERTIFICATE_SECONDS = 1.0
"""How often the given certificate is checked for changes."""


class Supervisor(HostProcesses):
    """Runs the product's processes until a signal stops it."""

    def __init__(
        self,
        settings: Settings,
        say: Callable[[str], None],
        lock: int,
        root_key: bytes,
        ready_file: ReadyFile | None = None,
        starter: HolderStarter | None = None,
    ) -> None:
        """``lock`` is the descriptor that holds the data folder; every child keeps it open until it ends.

        Without root, ``starter`` is the process that starts the holder.
        """
        super().__init__(settings, say, lock, starter, "serve")
        self._ready_file = ready_file
        self._root_key = root_key
        self._certificate_at, self._certificate_fault = 0.0, ""
        self._head = self._traces = self._webhooks = None
        if settings.trail_head:
            check_destination(settings)
            self._head = SideProcess("trail-head", settings, self._lifeline)
        if settings.traces:
            check_packages(settings)
            self._traces = SideProcess("traces", settings, self._lifeline)
        if settings.events_webhook:
            check_webhook(settings)
            self._webhooks = SideProcess("webhooks", settings, self._lifeline)
        self._link: subprocess.Popen[bytes] | None = None
        """The process that prints the first sign-in link."""

    def _tell_ready(self) -> None:
        if self._ready_file is not None:
            self._ready_file.write(ready_facts(self._settings))
        print_line(f"ready {listen_addresses(self._settings)[0].url}")
        self._tell_of_console()
        self._tell_how_to_use_it()

    def _tend_others(self) -> None:
        self._tend_certificate()
        if self._link is not None and self._link.poll() is not None:
            self._link = None
        if self._head is not None:
            self._head.tend(for_unprivileged(self._environment()) | _for_trail_head(os.environ))
        if self._traces is not None:
            self._traces.tend(for_unprivileged(self._environment()) | _certificates(os.environ))
        if self._webhooks is not None:
            self._webhooks.tend(for_unprivileged(self._environment()) | _certificates(os.environ))

    def _tell_of_console(self) -> None:
        url = console_url(self._settings)
        if url is None:
            return
        self._say(f"console URL {url}")
        # Anyone who has a link can sign in, so it must not be in a log. Creating it needs an SDK, for which this
        # process, which may run as root, has no other use.
        if sys.stderr.isatty():
            argv = [*self._common(), "console", "--link-only", *self._places()]
            self._link = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno(), start_new_session=True
            )

    def _tell_how_to_use_it(self) -> None:
        settings = self._settings
        credentials = settings.data / "credentials"
        self._say(f"\nThe first administrator's key is in {credentials} (profile default). In another terminal:\n")
        self._say(
            f"  export AWS_ENDPOINT_URL={local_address(settings).url} AWS_DEFAULT_REGION={settings.region}\n"
            f"  export AWS_SHARED_CREDENTIALS_FILE={credentials}"
        )
        secure = [listen_address.url for listen_address in listen_addresses(settings) if listen_address.secure]
        trusted = own_authority(settings)
        if trusted is not None:
            names = ", ".join(certificate_names(settings))
            self._say(f"  export AWS_CA_BUNDLE={trusted}   # for {' and '.join(secure)}, called by {names}")
        self._say("  aws sts get-caller-identity\n\nCtrl-C ends it.")

    def _tend_certificate(self) -> None:
        """As root, copy the given certificate again when it changes: ``serve`` must not read its key."""
        now = time.monotonic()
        if not self._settings.tls_cert or os.geteuid() != 0 or now < self._certificate_at:
            return
        self._certificate_at = now + CERTIFICATE_SECONDS
        try:
            take_certificate(self._settings, self._root_key)
            self._certificate_fault = ""
        except StartError as error:
            if str(error) != self._certificate_fault:
                log.warning("%s; the previous certificate stays in use", error)
            self._certificate_fault = str(error)

    def _places(self) -> list[str]:
        """Return the options for folders, addresses and ports, which ``up`` may have been given as options too."""
        settings = self._settings
        return [
            "--data", str(settings.data), "--host", settings.host, "--port", str(settings.port),
            "--tls-port", str(settings.tls_port), "--tls-cert", settings.tls_cert, "--tls-key", settings.tls_key,
            "--console-port", str(settings.console_port),
        ]  # fmt: skip

    def _start_server(self) -> subprocess.Popen[bytes]:
        key = hand_over(self._root_key)
        descriptors = (self._lifeline, self._ready_write, self._lock, key)
        pipes = ["--lifeline", str(self._lifeline), "--ready", str(self._ready_write), "--root-key", str(key)]
        argv = [*self._common(), "serve", *self._places(), *pipes]
        try:
            return subprocess.Popen(
                argv,
                env=for_unprivileged(self._environment()),
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(key)

    def _end(self) -> None:
        if self._ready_file is not None:
            self._ready_file.remove()
        if self._link is not None:
            self._link.kill()
            self._link.wait()
        super()._end()

    def _end_others(self) -> None:
        for beside in (self._head, self._traces, self._webhooks):
            if beside is not None:
                beside.end()


def _for_trail_head(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment that name proxies and trusted certificates."""
    proxies = {name: value for name, value in environment.items() if name.lower().endswith("_proxy")}
    return proxies | _certificates(environment)


def _certificates(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment that name trusted certificates."""
    return {name: environment[name] for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if name in environment}
