"""``host run``: the processes of a joined host.

host run ──┬── holder   owns the namespaces; one sleeping process, no code
           ├── agent    privileged, inside the holder's namespaces
           ├── link     unprivileged: the connections to ``serve``
           └── slirp4netns, if it is the uplink
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import typer

from reading_room.agent.errors import AgentError
from reading_room.cli.claiming import check_folder, claim
from reading_room.cli.folder import StartError, only_one
from reading_room.cli.holder_starter import HolderStarter
from reading_room.cli.host_processes import HostProcesses, for_unprivileged
from reading_room.cli.lifeline import watch_lifeline
from reading_room.cli.log_lines import configure_logging, failure, teller
from reading_room.cli.options import DataOption, DescriptorOption, read_settings
from reading_room.cli.privileges import keep_out_of_core_dumps, refuse_fatal_calls
from reading_room.cli.screen import print_line
from reading_room.hosts.joining.errors import JoinError
from reading_room.hosts.joining.host_folder import HostFolder, Joined
from reading_room.settings import Settings


def run(data: DataOption = None, lifeline: DescriptorOption = None) -> None:
    """Run a host that has joined: its agent, its holder, and its link to `serve`, until SIGTERM or Ctrl-C."""
    settings = read_settings(data)
    configure_logging(settings, "host")
    keep_out_of_core_dumps()
    try:
        # An ordinary user's holder gets further user ids from a program that gains privileges.
        starter = None if os.geteuid() == 0 else HolderStarter()
        refuse_fatal_calls()
        watch_lifeline(lifeline)
        check_folder(settings)
        joined = HostFolder.of(settings.data).membership()
        with only_one(claim(settings), settings.data) as lock:
            code = JoinedHostProcesses(settings, teller(settings), lock, joined, starter).run()
    except (StartError, AgentError, JoinError) as error:
        raise failure(settings, error) from None
    raise typer.Exit(code)


class JoinedHostProcesses(HostProcesses):
    """Runs a joined host's processes until a signal stops it."""

    def __init__(
        self,
        settings: Settings,
        say: Callable[[str], None],
        lock: int,
        joined: Joined,
        starter: HolderStarter | None = None,
    ) -> None:
        """``lock`` is the descriptor that holds the data folder; every child keeps it open until it ends.

        Without root, ``starter`` is the process that starts the holder.
        """
        super().__init__(settings, say, lock, starter, "link")
        self._joined = joined

    def _environment(self) -> dict[str, str]:
        # Containers of a job see the same region on every host.
        return super()._environment() | {"READING_ROOM_REGION": self._joined.region}

    def _start_server(self) -> subprocess.Popen[bytes]:
        pipes = ["--lifeline", str(self._lifeline), "--ready", str(self._ready_write)]
        return subprocess.Popen(
            [*self._common(), "link", "--data", str(self._settings.data), *pipes],
            env=for_unprivileged(self._environment()),
            pass_fds=(self._lifeline, self._ready_write, self._lock),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _tell_ready(self) -> None:
        print_line(f"ready {self._joined.host}")
