"""Sending events to a web hook, signed as the Standard Webhooks specification says (standardwebhooks.com, version 1).

Only the process that sends them imports this: it knows the secret, and ``serve`` can reach nothing outside.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import os
import re
import ssl
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reading_room.checked_post import AllowList, PostRefused, Resolve, check_url, post
from reading_room.clock import Clock
from reading_room.setting_values import SettingError
from reading_room.settings import Settings
from reading_room.state_events.sender_socket import SEND_SECONDS, Post, Posted

log = logging.getLogger(__name__)

KEY_BYTES = 4_096
"""Bytes of the longest file of a key."""
_KEY = re.compile(r"([A-Za-z0-9._-]{1,64})[ \t]+whsec_([A-Za-z0-9+/]+={0,2})\s*")
_SECRET_BYTES = range(24, 65)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key for signatures, with the id by which a receiver finds it."""

    key_id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id!r})"

    def sign(self, event_id: str, timestamp: int, body: bytes) -> str:
        """Return the signature of a delivery, ``v1,`` and base64."""
        signed = f"{event_id}.{timestamp}.".encode() + body
        return "v1," + base64.b64encode(hmac.new(self.secret, signed, hashlib.sha256).digest()).decode()


class Webhook:
    """Sends events. ``resolve`` and ``context`` replace the resolver and the trusted authorities in tests."""

    def __init__(
        self,
        url: str,
        allowed: AllowList,
        key: SigningKey,
        clock: Clock,
        *,
        seconds: float = SEND_SECONDS,
        resolve: Resolve | None = None,
        context: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._url = url
        self._allowed = allowed
        self._key = key
        self._clock = clock
        self._seconds = seconds
        self._resolve = resolve
        self._context = context()

    def send(self, asked: Post) -> Posted:
        """Send an event once."""
        body, now = asked.body.encode(), int(self._clock().timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "reading-room",
            "webhook-id": asked.event_id,
            "webhook-timestamp": str(now),
            "webhook-signature": self._key.sign(asked.event_id, now, body),
            "webhook-key-id": self._key.key_id,
        }
        try:
            answer = post(
                self._url,
                body,
                headers,
                self._allowed,
                seconds=self._seconds,
                resolve=self._resolve,
                context=self._context,
            )
        except PostRefused as refused:
            return Posted(str(refused))
        except ssl.SSLError as error:
            return Posted(f"TLS failed: {error.reason or type(error).__name__}", away=True)
        except OSError as error:
            return Posted(error.strerror or str(error) or type(error).__name__, away=True)
        return Posted() if 200 <= answer.status < 300 else Posted(f"the answer is {answer.status}")


def webhook_of(settings: Settings, clock: Clock) -> Webhook:
    """Return the web hook of the settings. Raises ``SettingError`` if they cannot be used."""
    allowed = allow_list(settings)
    try:
        check_url(settings.events_webhook, allowed)
    except PostRefused as refused:
        # The URL may contain a secret.
        raise SettingError("READING_ROOM_EVENTS_WEBHOOK", "…", f"another URL, or host: {refused}") from None
    return Webhook(settings.events_webhook, allowed, read_key(settings.events_webhook_key), clock)


def allow_list(settings: Settings) -> AllowList:
    """Return the hosts that web hooks may go to. Raises ``SettingError``."""
    try:
        return AllowList.parse(settings.webhook_hosts)
    except ValueError as error:
        expected = f"names of hosts, addresses and networks: {error}"
        raise SettingError("READING_ROOM_WEBHOOK_HOSTS", settings.webhook_hosts, expected) from None


def read_key(path: str) -> SigningKey:
    """Read a key from a file that only its owner may read. Raises ``SettingError``."""
    name = "READING_ROOM_EVENTS_WEBHOOK_KEY"
    if not path:
        raise SettingError(name, path, "the path of a file with the key that signs deliveries (docs/events.md)")
    try:
        with open(os.open(Path(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(KEY_BYTES)
    except OSError as error:
        raise SettingError(name, path, f"a file that can be read ({error.strerror})") from None
    if not stat.S_ISREG(mode) or mode & 0o077:
        raise SettingError(name, path, "a file with mode 0600, which only its owner can read")
    found = _KEY.fullmatch(content.decode("ascii", errors="replace"))
    try:
        secret = b"" if found is None else base64.b64decode(found[2], validate=True)
    except binascii.Error:
        secret = b""
    if found is None or len(secret) not in _SECRET_BYTES:
        raise SettingError(name, path, "a file with one line: an id, a space, and whsec_ with 24 to 64 bytes in base64")
    return SigningKey(found[1], secret)
