"""A console with a few files, the APIs that it calls, and requests as a browser sends them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reading_room.aws.cors import CrossOrigin
from reading_room.aws.refusals import Refusals
from reading_room.aws.throttling import Rate
from reading_room.client import InProcess
from reading_room.clock import system_clock
from reading_room.console.application import ConsoleApplication
from reading_room.console.files import read_files
from reading_room.console.listen_address import Origins
from reading_room.hosts.realtime import RealtimePool
from reading_room.s3.backends.memory import memory_backend
from reading_room.settings import Settings
from reading_room.wiring.product import Product
from tests.worlds import databases

HOST = "127.0.0.1:4567"
ORIGIN = f"http://{HOST}"
MANY = Rate(1_000_000, 1_000_000)
"""How many refusals in a row tests may cause before further requests are refused for that reason."""
API = "http://127.0.0.1:4566"
FACTS = {"region": "us-east-1", "account": "000000000001", "version": "1"}
SCRIPT = b"export const answer = 42; // " + b"the same words again " * 200
FILES = {
    "index.html": b"<!doctype html><html lang=en><title>Reading Room</title>" + b"<p>text</p>" * 100,
    "favicon.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "assets/index-Bx3k9.js": SCRIPT,
    "assets/index-C0ffee.css": b"body { margin: 0 }" * 50,
    "assets/sans-1a2b.woff2": b"wOF2" + bytes(range(256)) * 8,
}


@dataclass(frozen=True)
class Answer:
    """An answer: its headers by name, and all of them in order."""

    status: int
    headers: Mapping[str, str]
    pairs: tuple[tuple[str, str], ...]
    body: bytes


def build(folder: Path) -> Path:
    """Write the files of a console, as a build does."""
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def console(folder: Path) -> ConsoleApplication:
    """Return the console of a folder, with the names from the default settings."""
    return ConsoleApplication(read_files(folder), Origins.of(Settings()).by_authority(), FACTS)


def ask(
    app: Any, path: str, method: str = "GET", *more: tuple[str, str], query: str = "", body: bytes = b"", **headers: str
) -> Answer:
    """Send a request and return the answer; ``more`` and ``headers`` are its headers, with _ for - in ``headers``."""
    fields = {"host": HOST} | {name.replace("_", "-"): value for name, value in headers.items()}
    pairs = [*fields.items(), *more]
    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in pairs],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 4567),
    }
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    asyncio.run(app(scope, receive, send))
    found = tuple((name.decode(), value.decode("latin-1")) for name, value in messages[0]["headers"])
    content = b"".join(message.get("body", b"") for message in messages[1:])
    return Answer(messages[0]["status"], dict(found), found, content)


class Api:
    """The whole product's APIs as its listeners serve them, for the console with default settings."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data=folder)
        self.database = databases.made(folder / "db.sqlite")
        backend = memory_backend(self.database, self.settings.region, system_clock)
        self.product = Product(
            settings=self.settings,
            database=self.database,
            backend=backend,
            engines=RealtimePool(lambda: None),
            refusals=Refusals(of_one=MANY, of_all=MANY),
        )
        self.product.first_start()
        self.app = CrossOrigin(self.product.app, Origins.of(self.settings).apis)
        self.process = InProcess(self.app)
        lines = (folder / "credentials").read_text().splitlines()
        found = dict(line.split(" = ") for line in lines if " = " in line)
        self.key = {"access_key_id": found["aws_access_key_id"], "secret_access_key": found["aws_secret_access_key"]}

    def client(self, service: str, origin: str | None = ORIGIN, **key: str) -> Any:
        """Return the administrator's client, whose calls look like those of a page from an origin."""
        used: dict[str, Any] = {**(key or self.key)}
        client = self.process.client(service, **used)

        def from_page(request: Any, **_: Any) -> None:
            if origin is not None:
                request.headers["Origin"] = origin

        client.meta.events.register("before-sign", from_page)
        return client

    def close(self) -> None:
        """Close it."""
        self.process.close()
        with closing(self.database):
            self.product.close()
