"""A web hook that records what is posted to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer


class Hook(HTTPServer):
    """A web server that records what is posted, and answers with ``status``."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Keep)
        self.status = 204
        self.came: list[bytes] = []
        self.paths: list[str] = []
        self.heads: list[Message] = []


class _Keep(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        """Keep the body."""
        self.server.came.append(self.rfile.read(int(self.headers["content-length"])))
        self.server.paths.append(self.path)
        self.server.heads.append(self.headers)
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def hook(port: int = 0) -> Iterator[Hook]:
    """Run such a server for the length of the block."""
    with Hook(port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
