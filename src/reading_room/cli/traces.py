"""``reading-room traces``: the process that sends the spans of traces to a collector."""

from __future__ import annotations

import os
import time
from importlib.util import find_spec
from pathlib import Path

from reading_room.cli.folder import StartError
from reading_room.cli.lifeline import watch_lifeline
from reading_room.cli.log_lines import configure_logging, failure
from reading_room.cli.options import DataOption, DescriptorOption, read_settings
from reading_room.cli.side_process import work_in_data_folder
from reading_room.settings import Settings

SECONDS = 1.0
"""The pause after the waiting spans were sent, or after the collector did not take them."""
_NEEDED = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")


def traces(data: DataOption = None, lifeline: DescriptorOption = None) -> None:
    """Send the spans of traces to the collector that READING_ROOM_TRACES names; `up` runs this itself."""
    settings = read_settings(data)
    configure_logging(settings, "traces")
    if not settings.traces:
        raise failure(
            settings,
            "READING_ROOM_TRACES is not set: set it to the address of a collector, such as http://127.0.0.1:4318",
        )
    try:
        check_packages(settings)
        # Before anything of OpenTelemetry is loaded, which reads them then.
        from reading_room.traces.settings import remove_settings

        remove_settings(os.environ)
        from reading_room.traces.sender import Sender
        from reading_room.traces.spool import FOLDER

        sender = Sender(Path(FOLDER), settings.traces)
        work_in_data_folder(settings)
    except (StartError, OSError) as error:
        raise failure(settings, error) from None
    watch_lifeline(lifeline)
    while True:
        sender.turn()
        time.sleep(SECONDS)


def check_packages(settings: Settings) -> None:
    """Raise ``StartError`` if the settings turn traces on and what sends them is not installed."""
    if not settings.traces:
        return
    try:
        missing = [name for name in _NEEDED if find_spec(name) is None]
    except ModuleNotFoundError as error:
        missing = [str(error.name)]
    if missing:
        raise StartError(
            f"READING_ROOM_TRACES={settings.traces} needs {missing[0]}, which is not installed: install the extra "
            "`traces` (pip install 'reading-room[traces]'), or leave the setting out"
        )
