"""``reading-room trail-head``: the process that sends the trail's head elsewhere."""

from __future__ import annotations

import time
from pathlib import Path

from reading_room.cli.folder import StartError
from reading_room.cli.lifeline import watch_lifeline
from reading_room.cli.log_lines import configure_logging, failure
from reading_room.cli.options import DataOption, DescriptorOption, read_settings
from reading_room.cli.side_process import work_in_data_folder
from reading_room.clock import system_clock
from reading_room.setting_values import SettingError
from reading_room.settings import Settings
from reading_room.trail.chain import FOLDER
from reading_room.trail.head import HeadSender, heads_of


def trail_head(data: DataOption = None, lifeline: DescriptorOption = None) -> None:
    """Send the trail's head every minute to the place that READING_ROOM_TRAIL_HEAD names; `up` runs this itself."""
    settings = read_settings(data)
    configure_logging(settings, "trail-head")
    if not settings.trail_head:
        raise failure(settings, "READING_ROOM_TRAIL_HEAD is not set: set it to the place where the head is to be sent")
    try:
        sender = HeadSender(lambda: heads_of(Path(FOLDER)), settings.trail_head, settings.data, system_clock)
        work_in_data_folder(settings)
    except (StartError, SettingError, OSError) as error:
        raise failure(settings, error) from None
    watch_lifeline(lifeline)
    while True:
        sender.turn()
        time.sleep(settings.trail_head_seconds)


def check_destination(settings: Settings) -> None:
    """Raise ``StartError`` if the trail's head cannot be sent to where the settings say."""
    try:
        HeadSender(dict, settings.trail_head, settings.data, system_clock)
    except SettingError as error:
        raise StartError(str(error)) from error
