"""The operator of an installation: the principals of its first account."""

from __future__ import annotations

from reading_room.aws.call import Call
from reading_room.extension.errors import NotOperatorException
from reading_room.settings import Settings


def check_operator(call: Call, settings: Settings) -> None:
    """Raise ``NotOperatorException`` if the caller belongs to another account than the first one."""
    if call.account != settings.account:
        raise NotOperatorException(call.operation, call.account, settings.account)
