"""``reading-room webhooks``: the process that sends state events to the web hook."""

from __future__ import annotations

from pathlib import Path

from reading_room.cli.folder import StartError
from reading_room.cli.lifeline import watch_lifeline
from reading_room.cli.log_lines import configure_logging, failure
from reading_room.cli.options import DataOption, DescriptorOption, read_settings
from reading_room.cli.side_process import work_in_data_folder
from reading_room.clock import system_clock
from reading_room.setting_values import SettingError
from reading_room.settings import Settings


def webhooks(data: DataOption = None, lifeline: DescriptorOption = None) -> None:
    """Send state events to the web hook that READING_ROOM_EVENTS_WEBHOOK names; `up` runs this itself."""
    from reading_room.state_events.sender_socket import answer_one, listening
    from reading_room.state_events.webhook import webhook_of

    settings = read_settings(data)
    configure_logging(settings, "webhooks")
    if not settings.events_webhook:
        raise failure(settings, "READING_ROOM_EVENTS_WEBHOOK is not set: set it to the URL that is to get the events")
    try:
        webhook = webhook_of(settings, system_clock)
        work_in_data_folder(settings)
        listener = listening(Path())
    except (StartError, SettingError, OSError) as error:
        raise failure(settings, error) from None
    watch_lifeline(lifeline)
    while True:
        answer_one(listener, webhook.send)


def check_webhook(settings: Settings) -> None:
    """Raise ``StartError`` if the settings name a web hook that events cannot be sent to."""
    from reading_room.state_events.webhook import webhook_of

    if not settings.events_webhook:
        return
    try:
        webhook_of(settings, system_clock)
    except SettingError as error:
        raise StartError(str(error)) from error
