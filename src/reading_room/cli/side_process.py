"""Processes beside ``serve`` that send something elsewhere, and how ``up`` keeps them running.

They are separate processes because ``serve`` can reach nothing outside. They work in the data folder as the user of
``serve``, who owns the files, and never hold up a call, even if they fail.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time

from reading_room.cli.privileges import become_user, keep_out_of_core_dumps, refuse_privileges
from reading_room.settings import Settings

log = logging.getLogger(__name__)

PAUSE_SECONDS = 60.0
"""The least time between two starts of the process, if it ends by itself."""


def work_in_data_folder(settings: Settings) -> None:
    """Change to the data folder, and become the user of ``serve``. Raises ``OSError`` and ``StartError``."""
    os.chdir(settings.data)  # From here the user of ``serve`` can reach its files.
    if os.geteuid() == 0:
        # It would be imported at its first use, from a folder that this user may not read.
        import encodings.idna  # noqa: F401

        become_user(settings.service_uid, settings.service_uid)
    refuse_privileges()
    os.umask(0o077)
    keep_out_of_core_dumps()


class SideProcess:
    """Keeps the process of a command running while ``up`` runs."""

    def __init__(self, name: str, settings: Settings, lifeline: int) -> None:
        """``lifeline`` is a descriptor of a pipe; the process ends when the other end closes."""
        self._name = name
        self._settings = settings
        self._lifeline = lifeline
        self._process: subprocess.Popen[bytes] | None = None
        self._tried = -PAUSE_SECONDS

    def tend(self, environment: dict[str, str]) -> None:
        """Start the process if it does not run."""
        if self._process is not None and self._process.poll() is not None:
            log.warning("%s ended with %s: starting it again", self._name, self._process.returncode)
            self._process = None
        if self._process is None and time.monotonic() - self._tried > PAUSE_SECONDS:
            self._tried = time.monotonic()
            argv = [sys.executable, "-m", "reading_room", self._name, "--data", str(self._settings.data)]
            self._process = subprocess.Popen(
                [*argv, "--lifeline", str(self._lifeline)],
                env=environment,
                pass_fds=(self._lifeline,),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def end(self) -> None:
        """End the process, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
