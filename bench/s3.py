"""The store: large objects through endpoint and policy against the store alone, and the listing of 100,000 keys.

Servers run in a process of their own; the client is boto3. Both sides of a comparison speak TLS, and their rounds
alternate.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import http.client
import json
import multiprocessing
import os
import re
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop
from botocore.config import Config
from sqlalchemy import insert

from bench.report import Row, median, record, spread
from reading_room.agent.fronts import FrontProcesses, FrontUsers
from reading_room.aws.call import NetworkPath
from reading_room.aws.errors import AwsError
from reading_room.aws.receive import PATH_KEY
from reading_room.aws.sigv4 import CredentialSource
from reading_room.client import connect
from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.dataplane.spec import ListenerLabel
from reading_room.hosts.authority import prepare_certificates
from reading_room.hosts.front.listeners import server_context_of
from reading_room.hosts.http_listener import HttpListener
from reading_room.hosts.listeners import VpcListeners
from reading_room.iam.authorizer import EndpointPolicy, PolicyAuthorizer
from reading_room.iam.bootstrap import first_administrator
from reading_room.iam.credentials import StoredCredentials
from reading_room.s3.authentication import Authentication
from reading_room.s3.authorization import S3Authorization
from reading_room.s3.backend import Backend, Deletion
from reading_room.s3.backends.files import file_backend
from reading_room.s3.call import AuthenticatedRequest, IdentifiedRequest
from reading_room.s3.decisions import Decisions
from reading_room.s3.server import S3Application
from reading_room.s3.tables import S3Object
from reading_room.sealing import Sealer

ACCOUNT, REGION = "000000000001", "us-east-1"
ENDPOINT, VPC = "vpce-0123456789abcdef0", "vpc-0123456789abcdef0"
LARGE = 64 * 1024 * 1024
PIECE = 1 << 20
ROUNDS = int(os.environ.get("BENCH_S3_ROUNDS", "7"))
SMALL = 400
KEYS = int(os.environ.get("BENCH_S3_KEYS", "100000"))

BUCKETS = ["arn:aws:s3:::bench", "arn:aws:s3:::bench/*"]
OF_THE_ENDPOINT = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": BUCKETS,
        "Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}},
    },
}
OF_THE_BUCKET = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*Object",
        "Resource": BUCKETS,
        "Condition": {"StringNotEquals": {"aws:SourceVpce": ENDPOINT}},
    },
}


class NoDecisions(Decisions):
    """Decisions that are always the same."""

    def _authorize(self, *_: Any) -> tuple[str, Mapping[Deletion, AwsError]]:
        return ACCOUNT, {}


class NoAuthentication(Authentication):
    """Authentication that takes every request for an anonymous one."""

    def authenticate(self, request: IdentifiedRequest) -> AuthenticatedRequest:
        """Verify nothing."""
        return AuthenticatedRequest(request, None)


class StoreAlone(S3Application):
    """The store without authentication and authorization."""

    def __init__(self, backend: Backend, credentials: CredentialSource, authorization: S3Authorization) -> None:
        super().__init__(backend, credentials, authorization, region=REGION)
        self._authentication = NoAuthentication(credentials, system_clock, REGION)
        self._decisions = NoDecisions(backend, authorization)


def main() -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sockets = {kind: socket.create_server(("127.0.0.1", 0)) for kind in ("guarded", "fronted", "alone", "plain")}
        server = multiprocessing.get_context("fork").Process(target=_serve, args=(folder, sockets), daemon=True)
        server.start()
        try:
            clients = _clients(folder, sockets)
            rows = [*_large(clients), *_small(clients), *_listing(clients["plain"], folder, server.pid or 0)]
        finally:
            server.terminate()
            server.join()
    record("S3", rows)


def _serve(folder: Path, sockets: Mapping[str, socket.socket]) -> None:
    database = Database.open(folder / "db.sqlite", sealer=Sealer.of_the_moment())
    database.create_tables()
    database.prepare_log()
    first_administrator(database, ACCOUNT, REGION, folder / "credentials", system_clock)
    backend = file_backend(database, folder / "s3", REGION, system_clock)
    endpoint = EndpointPolicy(json.dumps(OF_THE_ENDPOINT), gateway=True)
    authorizer = PolicyAuthorizer(
        database=database, region=REGION, clock=system_clock, endpoint_policies=lambda _: endpoint
    )
    authorization = S3Authorization(authorizer=authorizer, backend=backend, region=REGION)
    given = (backend, StoredCredentials(database), authorization)
    guarded = S3Application(*given, region=REGION, vpc_only=True)
    through = NetworkPath(secure=True, vpc_id=VPC, vpc_endpoint_id=ENDPOINT, vpc_source_ip="10.0.0.7")

    async def in_vpc(scope: Any, receive: Any, send: Any) -> None:
        """Add to each request what a VPC's listener knows of its socket."""
        scope[PATH_KEY] = through
        await guarded(scope, receive, send)

    apps = {
        "guarded": in_vpc,
        "fronted": guarded,
        "alone": StoreAlone(*given),
        "plain": S3Application(*given, region=REGION),
    }
    listen_addresses = prepare_certificates(
        folder / "doors", ["127.0.0.1"], dt.datetime.now(dt.UTC), Sealer.of_the_moment()
    )

    async def serve() -> None:
        fronts = _front(sockets["fronted"], guarded, listen_addresses.leaf.read().decode("ascii"))
        for kind, app in apps.items():
            if kind != "fronted":
                tls = None if kind == "plain" else server_context_of(listen_addresses.leaf.read())
                await HttpListener(app, sockets[kind], tls).start()
        (folder / "ready").touch()
        await asyncio.Event().wait()
        fronts.close()

    uvloop.run(serve())


def _front(sock: socket.socket, app: S3Application, pem: str) -> FrontProcesses:
    """Serve a socket through a front, as a VPC's listeners are."""
    address, port = sock.getsockname()
    label = ListenerLabel(VPC, "endpoint-https", address, port, ENDPOINT)
    listeners = VpcListeners(s3=app, api=app, resolver=Nobody(), credentials=Nobody(), certificate=lambda _: pem)
    listeners.know([label])
    fronts = FrontProcesses(FrontUsers(None))

    def attach(vpc_id: str, end: socket.socket) -> bool:
        listeners.attach(vpc_id, end)
        return True

    fronts.arrange({VPC}, {label: sock})
    fronts.attach(attach, fresh=True)
    return fronts


class Nobody:
    """Stubs for what a store's listener does not use: a resolver, and the credentials address."""

    def look_up(self, vpc_id: str, name: str, kind: int) -> None:
        """Return no address."""

    def expects(self, *_: object) -> bool:
        """Expect no container."""
        return False

    def handle(self, *_: object, body: bytes = b"") -> Any:
        """Raise ``AssertionError``: nothing asks this."""
        raise AssertionError


def _clients(folder: Path, sockets: Mapping[str, socket.socket]) -> dict[str, Any]:
    while not (folder / "ready").exists():
        time.sleep(0.05)
    lines = dict(line.split(" = ") for line in (folder / "credentials").read_text().splitlines() if " = " in line)
    made = {}
    for kind, sock in sockets.items():
        scheme = "http" if kind == "plain" else "https"
        made[kind] = connect(
            "s3",
            f"{scheme}://127.0.0.1:{sock.getsockname()[1]}",
            access_key_id=lines["aws_access_key_id"],
            secret_access_key=lines["aws_secret_access_key"],
            config=Config(retries={"total_max_attempts": 1}, signature_version="s3v4"),
            verify=str(folder / "doors" / "authority.pem"),
        )
    return made


def _large(clients: Mapping[str, Any]) -> Iterator[Row]:
    plain = clients["plain"]
    plain.create_bucket(Bucket="bench")
    plain.put_bucket_policy(Bucket="bench", Policy=json.dumps(OF_THE_BUCKET))
    data = os.urandom(LARGE)
    times: dict[tuple[str, str], list[float]] = {}
    for number in range(ROUNDS + 1):
        for kind in ("guarded", "fronted", "alone"):
            put = _timed(partial(clients[kind].put_object, Bucket="bench", Key="large", Body=data))
            got = _timed(partial(_read, clients[kind]))
            if number:  # The first round warms up.
                times.setdefault(("PUT", kind), []).append(put)
                times.setdefault(("GET", kind), []).append(got)
    for what in ("PUT", "GET"):
        guarded, alone = median(times[what, "guarded"]), median(times[what, "alone"])
        fronted = median(times[what, "fronted"])
        yield Row(
            f"{what} of 64 MB through endpoint and policy: rate against the store alone",
            f"{alone / guarded:.2f} ×",
            "0.8 ×",
            f"both over TLS on loopback, reads in 1 MB pieces, {ROUNDS} alternating rounds; signature, identity, bucket"
            f" and endpoint policy as a VPC's listener has them, {LARGE / 1e6 / guarded:.0f} MB/s; nothing of it, "
            f"{LARGE / 1e6 / alone:.0f} MB/s",
        )
        yield Row(
            f"{what} of 64 MB through a VPC's front: rate against the same without one",
            f"{guarded / fronted:.2f} ×",
            "0.9 ×",
            "in the same rounds; the front is a process of its own that ends TLS and reads HTTP, "
            f"{LARGE / 1e6 / fronted:.0f} MB/s",
        )


def _small(clients: Mapping[str, Any]) -> Iterator[Row]:
    times: dict[tuple[str, str], list[float]] = {}
    for number in range(SMALL):
        for kind in ("guarded", "fronted"):
            put = _timed(partial(clients[kind].put_object, Bucket="bench", Key="small", Body=b"x" * 1000))
            got = _timed(partial(_read, clients[kind], "small"))
            if number >= SMALL // 10:  # The first ones warm up.
                times.setdefault(("PUT", kind), []).append(put)
                times.setdefault(("GET", kind), []).append(got)
    for what in ("PUT", "GET"):
        guarded, fronted = times[what, "guarded"], times[what, "fronted"]
        yield Row(
            f"{what} of 1 KB by boto3 through a VPC's front: time against the same without one",
            f"{median(fronted) / median(guarded):.2f} ×",
            "1.1 ×",
            f"{len(guarded)} alternating requests each; {spread(fronted)} against {spread(guarded)}",
        )


def _read(s3: Any, key: str = "large") -> None:
    for _ in s3.get_object(Bucket="bench", Key=key)["Body"].iter_chunks(PIECE):
        pass


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _listing(s3: Any, folder: Path, pid: int) -> Iterator[Row]:
    s3.create_bucket(Bucket="many-keys")
    _fill(folder)
    _pages(s3)
    before, busy = _memory(pid), _processor(pid)
    seconds = [_timed(partial(_pages, s3)) for _ in range(3)]
    busy = (_processor(pid) - busy) / 3
    grown = (_memory(pid) - before) / 1e6
    title = f"listing {KEYS:,} keys"
    how = f"ListObjectsV2 in pages of 1,000 by presigned URLs on one connection; {busy:.2f} s of the server's processor"
    yield Row(f"{title}, all pages", spread(seconds, "s", 1), "2 s", how)
    yield Row(f"{title}: growth of the server", f"{grown:.1f} MB", "flat", "PSS, from the first listing to the fourth")
    seconds = [_timed(partial(_paginate, s3))]
    yield Row(f"{title}, with boto3", spread(seconds, "s", 1), "reported", "its paginator; most is its own parsing")


def _pages(s3: Any) -> None:
    """List every key like a client that reads only the continuation token of each page."""
    place = urlsplit(s3.meta.endpoint_url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port)
    found, token = 0, ""
    while True:
        more = {"ContinuationToken": token} if token else {}
        url = urlsplit(s3.generate_presigned_url("list_objects_v2", Params={"Bucket": "many-keys", **more}))
        connection.request("GET", f"{url.path}?{url.query}")
        page = connection.getresponse().read()
        found += page.count(b"<Key>")
        following = re.search(b"<NextContinuationToken>([^<]+)<", page)
        if following is None:
            break
        token = following[1].decode()
    if found != KEYS:
        raise RuntimeError(f"{found} keys were listed, not {KEYS}")


def _paginate(s3: Any) -> None:
    for _ in s3.get_paginator("list_objects_v2").paginate(Bucket="many-keys"):
        pass


def _fill(folder: Path) -> None:
    """Put many small objects into the database as PUTs would."""
    database = Database.open(folder / "db.sqlite")
    now = system_clock()
    with database.engine.begin() as connection:
        connection.execute(
            insert(S3Object.__table__),  # type: ignore[arg-type]
            [
                {
                    "bucket": "many-keys",
                    "key": f"folder-{number % 100:02d}/document-{number:06d}.txt".encode(),
                    "size": 1000,
                    "etag": f"{number:032x}",
                    "sha256": f"{number:064x}",
                    "last_modified": now,
                    "headers": {"content-type": "text/plain"},
                    "user_metadata": {},
                    "checksum": {"algorithm": "CRC64NVME", "value": "AAAAAAAAAAA=", "type": "FULL_OBJECT"},
                    "segments": [["", 1000]],
                    "multipart": False,
                    "content": b"x" * 1000,
                }
                for number in range(KEYS)
            ],
        )
    database.close()


def _memory(pid: int) -> int:
    """Return the proportional set size of a process in bytes."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1]) * 1024


def _processor(pid: int) -> float:
    """Return the processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
