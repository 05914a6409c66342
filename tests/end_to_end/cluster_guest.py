"""A program that runs as a job in its container and tries to connect to a cluster. The container receives it as text.

Its argument is JSON: ``path``, the path of a certificate at the credentials address, or ``identity``, a certificate to
use; and ``address``, that of the scheduler. It prints a line of JSON with the outcome of each way to connect.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import sys
import tempfile
from pathlib import Path
from typing import Any

SECONDS = 4


def fetch(path: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("169.254.170.2", timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    return answer.status, json.loads(body) if answer.status == 200 else None


def outcome(action: Any) -> str:
    try:
        return str(action())
    except TimeoutError as error:
        return f"TimeoutError {error}"
    except Exception as error:
        return f"{type(error).__name__} {error}"


def in_the_clear(address: str, port: int) -> str:
    """Send a greeting without TLS and return what arrives before the connection is closed."""
    with socket.create_connection((address, port), SECONDS) as peer:
        peer.settimeout(SECONDS)
        peer.sendall(bytes(64))
        try:
            said = peer.recv(64)
        except ConnectionResetError:
            said = b""
        # A TLS server answers nonsense with an alert (21), or not at all.
        return "refused" if said == b"" or said[0] == 21 else f"answered {said!r}"


def by_hand(address: str, port: int, files: dict[str, str], known: bool) -> str:
    """Make a TLS handshake with or without a certificate. With TLS 1.3, the client sees a refusal when it reads."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if known:
        context.load_cert_chain(files["Certificate"], files["Key"])
    with socket.create_connection((address, port), SECONDS) as plain, context.wrap_socket(plain) as peer:
        peer.settimeout(SECONDS)
        peer.sendall(bytes(8))
        said = peer.recv(1)
        return "refused" if said == b"" else "answered"


def by_dask(address: str, port: int, files: dict[str, str], secure: bool) -> str:
    from distributed import Client
    from distributed.security import Security

    make_security: Any = Security
    make_client: Any = Client
    security = make_security(
        tls_ca_file=files["Authority"],
        tls_client_cert=files["Certificate"],
        tls_client_key=files["Key"],
        require_encryption=True,
    )
    scheme, more = ("tls", {"security": security}) if secure else ("tcp", {})
    with make_client(f"{scheme}://{address}:{port}", timeout=SECONDS, **more) as client:
        return f"in, {len(client.scheduler_info()['workers'])} workers"


def main() -> None:
    """Try every way to connect and print the outcomes."""
    connection = json.loads(sys.argv[1])
    status, identity = (200, connection["identity"]) if "identity" in connection else fetch(connection["path"])
    found: dict[str, Any] = {"status": status, "identity": identity}
    if identity is not None and "address" in connection:
        with tempfile.TemporaryDirectory() as folder:
            files = {}
            for name, text in identity.items():
                path = Path(folder, name)
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
                with open(descriptor, "w") as file:
                    file.write(text)
                files[name] = str(path)
            address, port = connection["address"], connection["port"]
            found["dask"] = outcome(lambda: by_dask(address, port, files, True))
            found["dask in the clear"] = outcome(lambda: by_dask(address, port, files, False))
            found["in the clear"] = outcome(lambda: in_the_clear(address, port))
            found["without a certificate"] = outcome(lambda: by_hand(address, port, files, False))
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    # Dask's event loops would keep the process alive after a failed connection.
    os._exit(0)


main()
