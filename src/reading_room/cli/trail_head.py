"""``reading-room trail-head``: the process that sends the trail's head off the machine, and how ``up`` keeps it.

It is a process of its own, for ``serve`` can reach nothing outside. It reads the trail as the user of ``serve``, which
the files belong to, and nothing that it does or fails to do holds up a call.
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
from reading_room.cli.options import (
    DataOption,
    DescriptorOption,
    configure_logging,
    fail,
    read_settings,
)
from reading_room.cli.privileges import keep_out_of_core_dumps, refuse_privileges
from reading_room.clock import system_clock
from reading_room.settings import SettingError, Settings
from reading_room.trail.chain import FOLDER
from reading_room.trail.head import HeadSender, heads_of

log = logging.getLogger(__name__)

PAUSE_SECONDS = 60.0
"""Between two starts of the process, where it ended by itself."""


def trail_head(data: DataOption = None, lifeline: DescriptorOption = None) -> None:
    """Send the trail's head every minute to where READING_ROOM_TRAIL_HEAD says; `up` runs this by itself."""
    settings = read_settings(data)
    configure_logging(settings, "trail-head")
    if not settings.trail_head:
        raise fail("READING_ROOM_TRAIL_HEAD is not set: say where the head is to be sent to")
    try:
        sender = HeadSender(lambda: heads_of(Path(FOLDER)), settings.trail_head, settings.data, system_clock)
        os.chdir(settings.data)  # From where the way to the trail is open to the user of ``serve``.
        _become_the_user_of_serve(settings)
        keep_out_of_core_dumps()
    except (StartError, SettingError, OSError) as error:
        raise fail(str(error)) from None
    watch_lifeline(lifeline)
    while True:
        sender.turn()
        time.sleep(settings.trail_head_seconds)


def _become_the_user_of_serve(settings: Settings) -> None:
    if os.geteuid() == 0:
        # What is loaded at its first use, from where this user may not read.
        import encodings.idna  # noqa: F401

        os.setgroups([])
        os.setresgid(settings.service_uid, settings.service_uid, settings.service_uid)
        os.setresuid(settings.service_uid, settings.service_uid, settings.service_uid)
    refuse_privileges()
    os.umask(0o077)


class TrailHead:
    """Keeps the process for as long as ``up`` runs."""

    def __init__(self, settings: Settings, lifeline: int) -> None:
        """``lifeline`` is a descriptor at whose other end's closing the process ends. Raises ``StartError``."""
        try:
            HeadSender(dict, settings.trail_head, settings.data, system_clock)
        except SettingError as error:
            raise StartError(str(error)) from error
        self._settings = settings
        self._lifeline = lifeline
        self._process: subprocess.Popen[bytes] | None = None
        self._tried = -PAUSE_SECONDS

    def tend(self, environment: dict[str, str]) -> None:
        """Start the process where there is none."""
        if self._process is not None and self._process.poll() is not None:
            log.warning("trail-head ended with %s: it is started again", self._process.returncode)
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
