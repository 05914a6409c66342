"""What the page ``ready``, the metrics and the log say of a running product, read again and again."""

from __future__ import annotations

import http.client
import json
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field

from tests.worlds.product import Product

PAUSE = 1.0
_PATIENCE = 5.0


@dataclass
class Conditions:
    """The checks that failed or warned, by where it was said. Connections stay open: a product may accept no more."""

    product: Product
    metrics_port: int
    ready: set[str] = field(default_factory=set)
    metrics: set[str] = field(default_factory=set)
    now: frozenset[str] | None = None
    """Those of the last page ``ready``; ``None`` if there was no answer."""
    _connections: dict[int, http.client.HTTPConnection] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read what the log has from here on."""
        self._log_from = self.product.log.stat().st_size
        self.look()
        self.ready, self.metrics = set(), set()

    @property
    def log(self) -> set[str]:
        """The checks that began to fail or warn, according to the log, and ``clock`` whenever the clock was set."""
        with self.product.log.open("rb") as file:
            file.seek(self._log_from)
            said = file.read().decode(errors="replace")
        clock = {"clock"} if "the clock of this host was set" in said else set()
        return clock | set(re.findall(r"the check of ([a-z-]+): ", said))

    def look(self) -> None:
        """Read both pages, if they are answered."""
        page = self._get(self.product.port, "/_reading_room/ready")
        self.now = None
        if page:
            self.now = frozenset(name for name, check in json.loads(page)["checks"].items() if "remedy" in check)
            self.ready |= self.now
        self.metrics |= set(
            re.findall(r'^reading_room_check_ok\{check="([a-z-]+)"\} 0', self._get(self.metrics_port, "/metrics"), re.M)
        )

    def look_for(self, seconds: float) -> None:
        """Look again and again for some time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.look()
            time.sleep(PAUSE)

    def gone(self, among: frozenset[str]) -> bool:
        """Look, and return whether none of these fails or warns any more."""
        self.look()
        return self.now is not None and not self.now & among

    def _get(self, port: int, path: str) -> str:
        new = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        connection = self._connections.setdefault(port, new)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        except (OSError, http.client.HTTPException):
            with suppress(OSError):
                connection.close()
            return ""
