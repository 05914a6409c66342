"""What a worker reports when its connection to the storage is cut in the middle of an object."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from reading_room.analysis.objects import S3Storage
from reading_room.analysis.s3.credentials import FixedKeys
from reading_room.analysis.s3.signing import Keys
from reading_room.analysis.s3.wire import HttpWire
from reading_room.analysis.storage import JobFailure

pytestmark = pytest.mark.costs(0.1, reason="2 MB are read over TLS")


def _end_without_goodbye(connection: ssl.SSLSocket) -> None:
    """Close as a process that dies does: without the proper end of the encrypted stream."""
    socket.socket(fileno=connection.detach()).close()


def _reset(connection: ssl.SSLSocket) -> None:
    """Reset, as a router that cuts a connection does."""
    bare = socket.socket(fileno=connection.detach())
    bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    bare.close()


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    """A certificate for a server on 127.0.0.1, whose authority is in a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "storage")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    (tmp_path / "server.pem").write_bytes(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "authority.pem").write_bytes(pem)
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(tmp_path / "server.pem")
    return found


@pytest.fixture
def port(context: ssl.SSLContext, cut: Callable[[ssl.SSLSocket], None]) -> Iterator[int]:
    """A storage that begins an answer of 3 MB and cuts it after 2 MB."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    accepted, _ = server.accept()
                except OSError:
                    return
                connection = context.wrap_socket(accepted, server_side=True)
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 3145728\r\n\r\n" + b"x" * (2 << 20))
                cut(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("cut", [_end_without_goodbye, _reset], ids=["ended", "reset"])
def test_a_connection_cut_within_an_object_is_reported_as_lost_access_to_storage(port: int, tmp_path: Path) -> None:
    wire, keys = HttpWire(str(tmp_path / "authority.pem")), FixedKeys(Keys("AKIAEXAMPLE", "example"))
    storage = S3Storage(wire, keys, "us-east-1", endpoint=f"https://127.0.0.1:{port}")
    with pytest.raises(JobFailure) as failed:
        for _ in storage.read("bucket", "key"):
            pass
    assert failed.value.code == "NO_ROUTE_TO_STORAGE"
    assert "s3://bucket/key" in str(failed.value)
