"""``reading-room trail-head``: the process that sends the trail's head elsewhere, and how ``up`` keeps it running.

It is a separate process because ``serve`` can reach nothing outside. It reads the trail as the user of ``serve``, who
owns the files, and it never holds up a call, even if it fails.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

from reading_room.cli.folder import StartError
from reading_room.cli.lifeline import watch_lifeline
from reading_room.cli.log_lines import configure_logging
from reading_room.cli.options import DataOption, DescriptorOption, read_settings
from reading_room.cli.privileges import keep_out_of_core_dumps, refuse_privileges
from reading_room.cli.screen import fail
from reading_room.clock import system_clock
from reading_room.settings import SettingError, Settings
from reading_room.trail.chain import FOLDER
from reading_room.trail.head import HeadSender, heads_of

log = logging.getLogger(__name__)

PAUSE_SECONDS = 60.0
"""The least time between two starts of the process, if it ends by itself."""


def trail_head(data: DataOption = None, lifeline: DescriptorOption = None) -> None:
    """Send the trail's head every minute to the place that READING_ROOM_TRAIL_HEAD names; `up` runs this itself."""
    settings = read_settings(data)
    configure_logging(settings, "trail-head")
    if not settings.trail_head:
        raise fail("READING_ROOM_TRAIL_HEAD is not set: set it to the place where the head is to be sent")
    try:
        sender = HeadSender(lambda: heads_of(Path(FOLDER)), settings.trail_head, settings.data, system_clock)
        os.chdir(settings.data)  # From here the user of ``serve`` can reach the trail.
        _become_user_of_serve(settings)
        keep_out_of_core_dumps()
    except (StartError, SettingError, OSError) as error:
        raise fail(str(error)) from None
    watch_lifeline(lifeline)
    while True:
        sender.turn()
        time.sleep(settings.trail_head_seconds)


def _become_user_of_serve(settings: Settings) -> None:
    if os.geteuid() == 0:
        # It would be imported at its first use, from a folder that this user may not read.
        import encodings.idna  # noqa: F401

        os.setgroups([])
        os.setresgid(settings.service_uid, settings.service_uid, settings.service_uid)
        os.setresuid(settings.service_uid, settings.service_uid, settings.service_uid)
    refuse_privileges()
    os.umask(0o077)


class TrailHead:
    """Keeps the process running while ``up`` runs."""

    def __init__(self, settings: Settings, lifeline: int) -> None:
        """``lifeline`` is a descriptor of a pipe; the process ends when the other end closes. Raises ``StartError``."""
        try:
            HeadSender(dict, settings.trail_head, settings.data, system_clock)
        except SettingError as error:
            raise StartError(str(error)) from error
        self._settings = settings
        self._lifeline = lifeline
        self._process: subprocess.Popen[bytes] | None = None
        self._tried = -PAUSE_SECONDS

    def tend(self, environment: dict[str, str]) -> None:
        """Start the process if it does not run."""
        if self._process is not None and self._process.poll() is not None:
            log.warning("trail-head ended with %s: starting it again", self._process.returncode)
            self._process = None
        if self._process is None and time.monotonic() - self._tried > PAUSE_SECONDS:
            self._tried = time.monotonic()
            argv = [sys.executable, "-m", "reading_room", "trail-head", "--data", str(self._settings.data)]
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
