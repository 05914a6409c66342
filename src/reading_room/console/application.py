"""The console's origin as an ASGI application: its files, ``/config.json``, and nothing else.

It has no cookie, no session and no secret. Its pages sign their calls to the APIs, which are another origin.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

from reading_room.aws.receive import Headers, Receive, Scope, Send, read_headers
from reading_room.console.files import ASSETS, INDEX, Representation, StaticFile, read_files
from reading_room.console.headers import security_headers
from reading_room.console.listen_address import OPTION, Origins
from reading_room.hosts.known_names import single_host
from reading_room.hosts.listen_addresses import ListenAddressError
from reading_room.settings import Settings
from reading_room.versions import VERSION

CONFIG = "/config.json"
_PLAIN: Headers = (("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store"))
_NOT_BUILT = "The console is not built in this checkout: run `make console`, then start Reading Room again.\n"


class ConsoleApplication:
    """Serves the console to browsers that call it by one of its own names.

    ``apis`` has the origin of the APIs by the ``Host`` header; ``facts`` are further members of ``/config.json``. A
    request with any other ``Host`` is refused, so that a stranger's name that points here does not get these pages.
    """

    def __init__(self, files: Mapping[str, StaticFile], apis: Mapping[str, str], facts: Mapping[str, str]) -> None:
        self._files = files
        self._folders = {path.split("/")[1] for path in files if path.count("/") > 1} | {ASSETS}
        self._apis = apis
        self._configs = {
            api: StaticFile(CONFIG, json.dumps({"apiUrl": api, **facts}).encode()) for api in apis.values()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI request."""
        if scope["type"] != "http":
            raise ValueError(f"the console does not speak {scope['type']}")
        headers = read_headers(scope)
        api = self._apis.get(single_host(headers) or "")
        head = scope["method"] == "HEAD"
        if api is None:
            # The names are no secret: the client has one of the addresses already.
            names = ", ".join(self._apis)
            await _say(
                send, 421, f"The console does not answer to this name. Its names are {names}.\n", None, head=head
            )
        elif scope["method"] not in ("GET", "HEAD"):
            await _say(send, 405, "Only GET and HEAD are answered here.\n", api, (("allow", "GET, HEAD"),))
        elif (file := self._find(scope["path"], api)) is not None:
            await _serve(send, file, dict(headers), api, head=head)
        elif INDEX not in self._files and self._is_route(scope["path"]):
            await _say(send, 503, _NOT_BUILT, api, head=head)
        else:
            await _say(send, 404, "There is no such file.\n", api, head=head)

    def _find(self, path: str, api: str) -> StaticFile | None:
        if path == CONFIG:
            return self._configs[api]
        return self._files.get(path) or (self._files.get(INDEX) if self._is_route(path) else None)

    def _is_route(self, path: str) -> bool:
        """Return whether an unescaped path is a route of the pages. The index file is served for all of them.

        At the top, or in a folder of files, a last part with a dot names a file; elsewhere it names a bucket or a user.
        """
        first, *rest = path.removeprefix("/").split("/")
        parts = [first, *rest]
        if "\\" in path or not path.isprintable() or any(part.startswith(".") for part in parts):
            return False
        return "." not in parts[-1] or (len(parts) > 1 and all(parts) and first not in self._folders)


def console_application(settings: Settings) -> ConsoleApplication:
    """Return the application for the built console. Raises ``ListenAddressError``."""
    try:
        files = read_files()
    except OSError as error:
        raise ListenAddressError(
            f"the console's file {error.filename} cannot be read ({error.strerror}): let everybody read it, or turn "
            f"the console off with {OPTION} 0"
        ) from error
    facts = {"region": settings.region, "account": settings.account, "version": VERSION}
    return ConsoleApplication(files, Origins.of(settings).by_authority(), facts)


async def _serve(send: Send, file: StaticFile, headers: Mapping[str, str], api: str, *, head: bool) -> None:
    representation: list[tuple[str, str]] = [("content-type", file.content_type), ("cache-control", file.cache_control)]
    found = file.plain
    if file.varies:
        representation.append(("vary", "Accept-Encoding"))
        if _takes_gzip(headers.get("accept-encoding", "")):
            found = await asyncio.to_thread(file.compressed)
    representation.append(("etag", found.etag))
    if found.coding is not None:
        representation.append(("content-encoding", found.coding))
    if _known(headers.get("if-none-match", ""), found):
        await _answer(send, 304, b"", (*representation, *security_headers(api)))
        return
    representation.append(("content-length", str(len(found.body))))
    await _answer(send, 200, b"" if head else found.body, (*representation, *security_headers(api)))


async def _say(send: Send, status: int, text: str, api: str | None, more: Headers = (), *, head: bool = False) -> None:
    body = text.encode()
    length = ("content-length", str(len(body)))
    await _answer(send, status, b"" if head else body, (*_PLAIN, *more, length, *security_headers(api)))


async def _answer(send: Send, status: int, body: bytes, headers: Headers) -> None:
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


def _takes_gzip(accepted: str) -> bool:
    """Return whether ``Accept-Encoding`` accepts gzip: by name or by ``*``, and with a weight above zero."""
    weights: dict[str, float] = {}
    for part in accepted.split(","):
        coding, _, parameter = part.partition(";")
        name, _, value = parameter.partition("=")
        try:
            weights[coding.strip().lower()] = float(value) if name.strip().lower() == "q" else 1.0
        except ValueError:
            return False  # The header is malformed; every client can read uncompressed content.
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _known(tags: str, found: Representation) -> bool:
    """Return whether ``If-None-Match`` names the representation, by the weak comparison that GET uses."""
    return tags.strip() == "*" or found.etag in (tag.strip().removeprefix("W/") for tag in tags.split(","))
