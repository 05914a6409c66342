"""The listen addresses of a running product: HTTPS and plain HTTP, certificates, silent clients, and memory leaks."""

from __future__ import annotations

import json
import os
import resource
import socket
import ssl
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, SSLError

from reading_room.cli.running import free_port
from reading_room.client import connect
from tests.worlds.browser import fetched
from tests.worlds.databases import SEALER
from tests.worlds.own_account import OwnAccount
from tests.worlds.place import Place
from tests.worlds.processes import argv
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SILENT = 3_000
"""The number of connections that are opened and stay silent."""


@pytest.fixture(scope="module")
def beyond(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A separate product for this module, with a console, that listens beyond loopback."""
    settings = {"TLS": "own", "TLS_NAMES": "reading.example.com", "HOST": "0.0.0.0"}
    found = Product(tmp_path_factory.mktemp("beyond"), **settings)
    found.console_port = free_port()
    try:
        found.launch()
        found.await_ready(f"https://0.0.0.0:{found.port}")
        yield found
    finally:
        found.clear()


def https_url(product: Product, host: str = "127.0.0.1") -> str:
    """Return the URL of the product's HTTPS listen address."""
    return f"https://{host}:{product.settings['TLS_PORT']}"


def client(product: Product, service: str, url: str, verify: Any = None) -> Any:
    """Return a client of the first administrator for a URL."""
    endpoint = product.endpoint()
    keys = {"access_key_id": endpoint.access_key_id, "secret_access_key": endpoint.secret_access_key}
    return connect(service, url, verify=verify, **keys)


def authority(product: Product) -> str:
    """Return the file with the authority that clients of HTTPS must trust."""
    return str(product.data / "doors" / "authority.pem")


def test_plain_http_is_announced_and_https_serves_clients_that_trust_the_authority(product: Product) -> None:
    assert product.stdout == [f"ready http://127.0.0.1:{product.port}\n".encode()]
    for host in ("127.0.0.1", "localhost"):
        caller = client(product, "sts", https_url(product, host), authority(product)).get_caller_identity()
        assert caller["Arn"].endswith(":user/administrator")
    with pytest.raises(SSLError):
        client(product, "sts", https_url(product)).get_caller_identity()
    vpc_authority = str(product.data / "authority" / "authority.pem")
    with pytest.raises(SSLError):
        client(product, "sts", https_url(product), vpc_authority).get_caller_identity()


def test_a_policy_that_requires_tls_is_satisfied_by_the_socket_and_by_no_header(product: Product) -> None:
    s3 = client(product, "s3", https_url(product), authority(product))
    s3.create_bucket(Bucket="only-tls")
    s3.put_object(Bucket="only-tls", Key="key", Body=b"secret")
    everything = ["arn:aws:s3:::only-tls", "arn:aws:s3:::only-tls/*"]
    statement: dict[str, Any] = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": everything}
    statement["Condition"] = {"Bool": {"aws:SecureTransport": "false"}}
    old = {**statement, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.3"}}}
    policy = {"Version": "2012-10-17", "Statement": [statement, old]}
    s3.put_bucket_policy(Bucket="only-tls", Policy=json.dumps(policy))
    assert s3.get_object(Bucket="only-tls", Key="key")["Body"].read() == b"secret"
    plain = client(product, "s3", f"http://127.0.0.1:{product.port}")
    plain.meta.events.register("before-sign.s3", _claim_tls)
    with pytest.raises(ClientError, match="AccessDenied"):
        plain.get_object(Bucket="only-tls", Key="key")


def _claim_tls(request: Any, **_: Any) -> None:
    for name, value in (("X-Forwarded-Proto", "https"), ("Forwarded", "proto=https"), ("X-Forwarded-Ssl", "on")):
        request.headers[name] = value


@pytest.mark.parametrize("secure", [False, True])
def test_thousands_of_silent_connections_do_not_lock_others_out(product: Product, secure: bool) -> None:
    door = int(product.settings["TLS_PORT"]) if secure else product.port
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, SILENT + 1_000), most))
    url = https_url(product) if secure else f"http://127.0.0.1:{product.port}"
    serve = product.child("serve")
    with ExitStack() as opened:
        for number in range(SILENT):
            silent = opened.enter_context(closing(socket.create_connection(("127.0.0.1", door))))
            if number % 2:
                silent.sendall(b"\x16\x03\x01\x02\x00\x01\x00" if secure else b"GET / HTTP/1.1\r\nHost: ")
        began = time.monotonic()
        for _ in range(20):
            client(product, "sts", url, authority(product)).get_caller_identity()
        assert time.monotonic() - began < 10
        held = len(os.listdir(f"/proc/{serve}/fd")) if os.geteuid() == 0 else 0
        assert held < SILENT


def test_a_listen_address_serves_its_names_and_names_the_setting_for_others(product: Product) -> None:
    url = f"http://127.0.0.1:{product.port}"
    for host in ("localhost:1", "bucket.s3.localhost", "comprehend.us-east-1.amazonaws.com", "10.0.0.1"):
        assert fetched(f"{url}/_reading_room/health", Host=host)[0] == 200
    for path in ("/_reading_room/health", "/", "/bucket/key"):
        for host in ("page.evil.example", f"host.docker.internal:{product.port}"):
            status, headers, body = fetched(url + path, Host=host, Origin=f"http://{host}")
            assert status == 421
            assert f"READING_ROOM_TLS_NAMES={host.partition(':')[0]} ".encode() in body
            assert "access-control-allow-origin" not in headers
    # A host name that is the name of a bucket is accepted while the bucket exists.
    s3 = client(product, "s3", url)
    s3.create_bucket(Bucket="photos.page.example")
    assert fetched(f"{url}/none", Host="photos.page.example")[0] == 403
    s3.delete_bucket(Bucket="photos.page.example")
    assert fetched(f"{url}/none", Host="photos.page.example")[0] == 421


def test_no_process_dumps_core_or_can_enable_it_again(product: Product, account: OwnAccount) -> None:
    assert product.up is not None
    with Place(product, account=account).running() as (_, worker):
        launchers = [each.pid for each in product.records().values() if each and each.pid]
        assert launchers
        for pid in (product.up.pid, product.child("serve"), product.child("agent"), product.holder().pid, *launchers):
            limit = Path(f"/proc/{pid}/limits").read_text().split("Max core file size")[1].split()[:2]
            assert limit == ["0", "0"], pid
        limit = Path(f"/proc/{worker}/limits").read_text().split("Max core file size")[1].split()[:2]
        assert limit == ["0", "0"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read the memory of every process")
def test_another_process_of_the_same_user_cannot_read_the_servers_memory(product: Product) -> None:
    for file in ("mem", "environ"):
        with pytest.raises(PermissionError):
            Path(f"/proc/{product.child('serve')}/{file}").read_bytes()


def test_an_address_beyond_loopback_has_only_https_and_commands_use_it(beyond: Product) -> None:
    url = f"https://127.0.0.1:{beyond.port}"
    assert client(beyond, "sts", url, authority(beyond)).get_caller_identity()["Account"]
    with pytest.raises(OSError), urllib.request.urlopen(f"http://127.0.0.1:{beyond.port}/_reading_room/health"):
        pass
    # The certificate also covers buckets as subdomains of the configured name.
    context = ssl.create_default_context(cafile=authority(beyond))
    with (
        socket.create_connection(("127.0.0.1", beyond.port)) as plain,
        context.wrap_socket(plain, server_hostname="bucket.reading.example.com") as secured,
    ):
        assert secured.version() == "TLSv1.3"


def test_beyond_loopback_the_console_has_the_certificate_of_the_apis(beyond: Product) -> None:
    origin = f"https://127.0.0.1:{beyond.console_port}"
    status, _, body = fetched(f"{origin}/config.json", trust=authority(beyond))
    assert (status, json.loads(body)["apiUrl"]) == (200, f"https://127.0.0.1:{beyond.port}")
    _, headers, _ = fetched(f"https://127.0.0.1:{beyond.port}/none/key", trust=authority(beyond), Origin=origin)
    assert headers["access-control-allow-origin"] == origin
    with pytest.raises(OSError):
        fetched(f"http://127.0.0.1:{beyond.console_port}/config.json")
    assert f"console URL {origin}/" in beyond.log.read_text().splitlines()


def test_a_configured_certificate_is_replaced_without_a_restart(tmp_path: Path) -> None:
    from reading_room.clock import system_clock
    from reading_room.hosts.authority import prepare_certificates

    made = [
        prepare_certificates(tmp_path / name, ["localhost", f"{name}.example"], system_clock(), SEALER)
        for name in ("first", "second")
    ]
    certificate, key = tmp_path / "given.pem", tmp_path / "given.key"
    _give(made[0].leaf.read(), certificate, key)
    # A separate product, because its certificate is replaced.
    found = Product(tmp_path, TLS_PORT=str(free_port()), TLS_CERT=str(certificate), TLS_KEY=str(key))
    try:
        found.start()
        with _connected(found, made[0].certificate) as before:
            _give(made[1].leaf.read(), certificate, key)
            eventually(lambda: _served(found) == made[1].leaf.read()[:400], 15, "the second certificate")
            # An open connection keeps the certificate that it started with.
            before.sendall(b"GET /_reading_room/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert before.recv(100).startswith(b"HTTP/1.1 200")
            # The server now accepts the host names of the new certificate and no longer those of the old one.
            health = f"{https_url(found, 'localhost')}/_reading_room/health"
            trusted = str(made[1].certificate)
            assert fetched(health, trust=trusted, Host="second.example")[0] == 200
            assert fetched(health, trust=trusted, Host="first.example")[0] == 421
        kept = found.data / "doors" / "given.pem"
        assert kept.stat().st_mode & 0o777 == 0o600
        assert b"BEGIN" not in kept.read_bytes()
    finally:
        found.clear()


def _give(pem: bytes, certificate: Path, key: Path) -> None:
    end = pem.index(b"-----BEGIN PRIVATE KEY-----")
    for path, content in ((certificate, pem[:end]), (key, pem[end:])):
        new = path.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_bytes(content)
        new.rename(path)


def _connected(product: Product, trusted: Path) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(trusted))
    plain = socket.create_connection(("127.0.0.1", int(product.settings["TLS_PORT"])), 10)
    return context.wrap_socket(plain, server_hostname="localhost")


def _served(product: Product) -> bytes:
    address = ("127.0.0.1", int(product.settings["TLS_PORT"]))
    return ssl.get_server_certificate(address).encode()[:400]


def test_fronts_that_were_killed_are_replaced_and_serve_does_not_notice(beyond: Product) -> None:
    serve = beyond.child("serve")
    fronts = [pid for pid in beyond.processes() if argv(pid)[3:4] == ["reading_room.hosts.front.process"]]
    assert len(fronts) >= 2  # Of the APIs, and of the console.
    if os.geteuid() == 0:
        assert len({Path(f"/proc/{pid}").stat().st_uid for pid in (serve, *fronts)}) == 1 + len(fronts)
    beyond.kill_processes(fronts)
    url = f"https://127.0.0.1:{beyond.port}"
    assert client(beyond, "sts", url, authority(beyond)).get_caller_identity()["Account"]
    assert beyond.child("serve") == serve
