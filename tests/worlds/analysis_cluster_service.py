"""The service as the containers of a job see it: certificates and parts, over HTTP, from tables in memory."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from reading_room.analysis.cluster.identity import Identity
from reading_room.certificate_parts import builder, common_name, pem, private_pem

_PART = re.compile(r"/(\d+)/parts(?:/(\d+))?")


class Authority:
    """A certificate authority for one attempt of a job."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = common_name("authority")
        begun = _builder(self._name, self._name, self._key.public_key())
        begun = begun.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self._certificate = begun.sign(self._key, hashes.SHA256())

    def identity(self, member: int) -> Identity:
        """Return a new key with a certificate for it."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _builder(common_name(str(member)), self._name, key.public_key()).sign(self._key, hashes.SHA256())
        return Identity(pem(self._certificate), pem(certificate), private_pem(key).decode())


@dataclass
class PartEntry:
    """A part as the service knows it; ``done`` is its result, in the members of the request."""

    fence: int = 1
    done: dict[str, Any] | None = None


@dataclass
class Service:
    """Answers at ``address``; container number ``n`` calls it under the path ``/n``.

    While it is ``away`` it answers 503, as during a restart of the service, and counts these answers in
    ``turned_away``. Without an ``authority`` there are no certificates. ``registered`` has the digest of every plan
    that arrived, and ``posted`` the number of every part that was reported as finished.
    """

    authority: Authority | None = field(default_factory=Authority)
    parts: list[PartEntry] = field(default_factory=list)
    registered: list[str] = field(default_factory=list)
    posted: list[int] = field(default_factory=list)
    away: bool = False
    turned_away: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Service:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(*service.answer("GET", self.path, b""))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                self._answer(*service.answer("POST", self.path, body))

            def _answer(self, status: int, members: dict[str, Any]) -> None:
                body = json.dumps(members).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        """The URL of the service."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def done(self) -> list[int]:
        """The numbers of the finished parts."""
        with self.lock:
            return [number for number, part in enumerate(self.parts) if part.done is not None]

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Answer one request."""
        with self.lock:
            if self.away:
                self.turned_away += 1
                return 503, {}
            if method == "GET" and path.removeprefix("/").isdigit():
                return self._identity(int(path.removeprefix("/")))
            match = _PART.fullmatch(path)
            if match is None or match[1] != "0":
                return 404, {"code": "NotFound"}
            if match[2] is not None:
                return self._finish(int(match[2]), json.loads(body))
            if method == "POST":
                self._register(json.loads(body))
            return 200, {"Parts": [_shown(number, part) for number, part in enumerate(self.parts)]}

    def _identity(self, member: int) -> tuple[int, dict[str, Any]]:
        if self.authority is None:
            return 409, {"code": "NoCertificate"}
        identity = self.authority.identity(member)
        return 200, {"Authority": identity.authority, "Certificate": identity.certificate, "Key": identity.key}

    def _register(self, plan: dict[str, Any]) -> None:
        if plan["Digest"] not in self.registered[-1:]:
            self.parts = [PartEntry() for _ in plan["Parts"]]
        self.registered.append(plan["Digest"])
        for part in self.parts:
            part.fence += part.done is None

    def _finish(self, number: int, said: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        part = self.parts[number]
        self.posted.append(number)
        if said.pop("Fence") != part.fence or part.done not in (None, said):
            return 409, {"code": "Fenced"}
        part.done = said
        return 200, {}


def _shown(number: int, part: PartEntry) -> dict[str, Any]:
    return {"Number": number, "Fence": part.fence, "Done": part.done}


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return builder(subject, issuer, key, now - dt.timedelta(hours=1), now + dt.timedelta(days=1))
