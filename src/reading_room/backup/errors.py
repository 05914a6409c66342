"""The errors of backups."""

from __future__ import annotations


class BackupError(Exception):
    """A backup cannot be made, verified or restored; the message says what is wrong and what to change."""


class DamagedBackup(BackupError):
    """A file of a backup is missing, truncated or altered."""

    def __init__(self, name: str, how: str) -> None:
        super().__init__(f"{name} {how}: use another backup, or copy this one again from where it came from")
