"""The names to which the APIs' listeners answer; a request for any other name is refused before anything else.

A stranger's site may give its own name a second address, that of this machine, so that its pages can call the listeners
here as if they were their own site (DNS rebinding). Their requests still have the stranger's name in ``Host``, which a
page cannot choose. Listeners inside VPCs do not need this, because no browser runs there.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
from collections.abc import Callable, Collection
from functools import lru_cache

from reading_room.aws.call import Reply
from reading_room.aws.error_replies import refusal
from reading_room.aws.errors import MisdirectedRequest
from reading_room.aws.identify import UnknownService, identify
from reading_room.aws.models import ServedService
from reading_room.aws.protocols import rest_xml
from reading_room.aws.receive import AsgiApplication, Receive, Scope, Send, read_headers, send_reply
from reading_room.hosts.listen_addresses import is_unspecified
from reading_room.ids import request_id as new_request_id
from reading_room.settings import Settings

log = logging.getLogger(__name__)

_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_OF_AWS = ".amazonaws.com"
"""The end of AWS's own endpoint names, including those of VPC endpoints. Nobody else can point one here."""


class KnownNames:
    """An application that only answers requests for names of this installation.

    Those are addresses, ``localhost``, the names in the settings, AWS's own endpoint names, the certificate's names
    (``certified``), any name below one of these, and for S3 the names of buckets.
    """

    def __init__(
        self,
        app: AsgiApplication,
        settings: Settings,
        certified: Callable[[], Collection[str]],
        is_bucket: Callable[[str], bool],
    ) -> None:
        names = (settings.host, settings.metrics_host, *settings.tls_names.split(","))
        self._app = app
        self._own = frozenset({"localhost", *(name.lower() for name in names if name and not is_unspecified(name))})
        self._certified = certified
        self._is_bucket = is_bucket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI request."""
        if scope["type"] == "http":
            host = single_host(read_headers(scope))
            if not self._knows(name_of(host or "")) and not await self._leads_to_bucket(scope, host):
                await _refuse(scope, send, host)
                return
        await self._app(scope, receive, send)

    def _knows(self, name: str) -> bool:
        if _is_address(name) or name in self._own or name.endswith(_OF_AWS):
            return True
        for known in (*self._own, *self._certified()):
            base = known.removeprefix("*.")
            if name.endswith(f".{base}") or name == known:
                return True
        return False

    async def _leads_to_bucket(self, scope: Scope, host: str | None) -> bool:
        """Return whether the request is for S3, and the name is a bucket's, which its owner may have pointed here."""
        name = name_of(host or "")
        if "." not in name or not _NAME.fullmatch(name) or len(name) > 63:
            return False
        service = _service(scope)
        if not (isinstance(service, ServedService) and service.name == "s3"):
            return False
        return await asyncio.to_thread(self._is_bucket, name)


def single_host(headers: Collection[tuple[str, str]]) -> str | None:
    """Return the value of the only ``Host`` among headers with lower-case names, ``None`` for none or several."""
    hosts = [value.lower() for name, value in headers if name == "host"]
    return hosts[0] if len(hosts) == 1 else None


def name_of(host: str) -> str:
    """Return the name or address in a ``Host`` header, without port, brackets or final dot."""
    if host.startswith("["):
        found = re.fullmatch(r"\[([^]]*)\](:\d*)?", host)
        return "" if found is None else found[1]
    return host.partition(":")[0].lower().removesuffix(".")


@lru_cache(maxsize=256)
def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _service(scope: Scope) -> ServedService | UnknownService | None:
    return identify(scope["method"], scope["query_string"].decode("latin-1"), read_headers(scope))


async def _refuse(scope: Scope, send: Send, host: str | None) -> None:
    """Answer in the format that the client expects; the body stays unread, so the connection ends."""
    name = name_of(host or "")
    error = MisdirectedRequest(name if len(name) <= 253 and _NAME.fullmatch(name) else None)
    identifier, service = new_request_id(), _service(scope)
    log.info(
        "request=%s host=%s status=%d code=%s",
        *(identifier, (host or "-")[:80], error.status, error.code),
        extra={"request_id": identifier, "status": error.status, "code": error.code},
    )
    if isinstance(service, ServedService) and service.name == "s3":
        headers, body = rest_xml.serialize_error(error, identifier, identifier)
        reply = Reply(error.status, tuple(headers), body)
    else:
        reply = refusal(service, error, identifier)
    closing = Reply(reply.status, (*reply.headers, ("connection", "close")), reply.body)
    await send_reply(send, closing, head=scope["method"] == "HEAD")
