"""The cost of floods of unauthenticated requests for others: their p99 during a flood against their p99 without.

The product's applications run in one process, and floods come from another. Windows with and without a
flood alternate, and each figure is the ratio of such pairs. A flood of questions reaches the front of one VPC, which is
a process of its own, while a job of another VPC reads through its front.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import multiprocessing
import os
import socket
import struct
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from botocore.config import Config

from bench.report import Row, median, record
from bench.s3 import Nobody
from reading_room.agent.fronts import FrontProcesses, FrontUsers
from reading_room.aws.call import NetworkPath
from reading_room.aws.receive import ONLY_KEY, PATH_KEY
from reading_room.cli.log_lines import LogLines
from reading_room.client import connect
from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.dataplane.spec import ListenerLabel
from reading_room.hosts.http_listener import HttpListener
from reading_room.hosts.listeners import VpcListeners
from reading_room.hosts.names import VpcNames
from reading_room.hosts.realtime import RealtimePool
from reading_room.s3.backends.files import file_backend
from reading_room.sealing import Sealer
from reading_room.settings import Settings
from reading_room.wiring.product import Product

ROUNDS = int(os.environ.get("BENCH_FLOODS_ROUNDS", "7"))
SECONDS = float(os.environ.get("BENCH_FLOODS_SECONDS", "10"))
RATE = int(os.environ.get("BENCH_FLOODS_RATE", "420"))
OTHERS_RATE = 40
"""Calls of the other clients per second."""
CONNECTIONS = 20
HALF_SENT = 2200
QUESTIONS, BOMBS = 2_048, 50
"""Datagrams a second, twice as many as the kernel lets through, and questions with 63 KB of compressed names."""
FLOODING, OTHER = "10.0.0.7", "10.0.0.8"
_HEAD = b"%b HTTP/1.1\r\nHost: %b\r\n%b\r\n"
_FORM = b"Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: 38\r\n"
_BODY = b"Action=DescribeVpcs&Version=2016-11-15"
_SIGNED_WRONGLY = (
    b"X-Amz-Date: %b\r\nAuthorization: AWS4-HMAC-SHA256 Credential=%b/%b/us-east-1/ec2/aws4_request, "
    b"SignedHeaders=host;x-amz-date, Signature=" + b"0" * 64 + b"\r\n"
)


def main() -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kinds = ("public", FLOODING, OTHER, "resolver-tcp", "endpoint-http")
        sockets = {kind: socket.create_server(("127.0.0.1", 0)) for kind in kinds}
        sockets["resolver-udp"] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sockets["resolver-udp"].bind(("127.0.0.1", 0))
        server = multiprocessing.get_context("fork").Process(target=_serve, args=(folder, sockets), daemon=True)
        server.start()
        try:
            record("Floods", [*_measured(folder, {kind: sock.getsockname()[1] for kind, sock in sockets.items()})])
        finally:
            server.terminate()
            server.join()


def _serve(folder: Path, sockets: Mapping[str, socket.socket]) -> None:
    handler = logging.FileHandler(folder / "log")
    handler.setFormatter(LogLines("%(asctime)s serve %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level="INFO", handlers=[handler], force=True)
    settings = dataclasses.replace(Settings(), data=folder)
    database = Database.open(folder / "db.sqlite", sealer=Sealer.of_the_moment())
    database.create_tables()
    database.prepare_log()
    backend = file_backend(database, folder / "objects", settings.region, system_clock)
    product = Product(settings=settings, database=database, backend=backend, engines=RealtimePool(lambda: None))
    product.first_start()

    def inside(source: str) -> Callable[..., Any]:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            """Add to each request what a VPC's listener knows of its socket."""
            endpoint = (folder / "endpoint").read_text()
            scope[PATH_KEY] = NetworkPath(vpc_id="vpc-1", vpc_endpoint_id=endpoint, vpc_source_ip=source)
            scope[ONLY_KEY] = "s3"
            await product.objects.app_in_vpcs(scope, receive, send)

        return app

    async def serve() -> None:
        for kind in ("public", FLOODING, OTHER):
            await HttpListener(product.app if kind == "public" else inside(kind), sockets[kind]).start()
        (folder / "ready").touch()
        await asyncio.to_thread(_until_exists, folder / "vpcs")
        fronts = _fronts(product, json.loads((folder / "vpcs").read_text()), sockets)
        (folder / "fronted").touch()
        await asyncio.Event().wait()
        fronts.close()

    uvloop.run(serve())


def _fronts(product: Product, vpcs: Mapping[str, str], sockets: Mapping[str, socket.socket]) -> FrontProcesses:
    """Serve the resolver of one VPC and the storage endpoint of another, each through its front."""
    served = {}
    for kind, vpc in (
        ("resolver-udp", vpcs["flooding"]),
        ("resolver-tcp", vpcs["flooding"]),
        ("endpoint-http", vpcs["other"]),
    ):
        address, port = sockets[kind].getsockname()
        endpoint = vpcs["endpoint"] if kind == "endpoint-http" else None
        served[ListenerLabel(vpc, kind, address, port, endpoint)] = sockets[kind]  # type: ignore[arg-type]
    listeners = VpcListeners(
        s3=product.objects.app_in_vpcs,
        api=product.app,
        resolver=VpcNames(product.database),
        credentials=Nobody(),
        certificate=lambda _: "",
    )
    listeners.know(served)
    fronts = FrontProcesses(FrontUsers(None))

    def attach(vpc_id: str, end: socket.socket) -> bool:
        listeners.attach(vpc_id, end)
        return True

    fronts.arrange({label.vpc_id for label in served}, served)
    fronts.attach(attach, fresh=True)
    fronts.arrange({label.vpc_id for label in served}, served)
    return fronts


def _measured(folder: Path, ports: Mapping[str, int]) -> Iterator[Row]:
    _until_exists(folder / "ready")
    lines = dict(line.split(" = ") for line in (folder / "credentials").read_text().splitlines() if " = " in line)
    key_id = lines["aws_access_key_id"].encode()

    def client(service: str, kind: str = "public") -> Any:
        return connect(
            service,
            f"http://127.0.0.1:{ports[kind]}",
            access_key_id=lines["aws_access_key_id"],
            secret_access_key=lines["aws_secret_access_key"],
            config=Config(retries={"total_max_attempts": 1}),
        )

    ec2, s3 = client("ec2"), client("s3")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3")["VpcEndpoint"]
    (folder / "endpoint").write_text(endpoint["VpcEndpointId"])
    s3.create_bucket(Bucket="bench")
    s3.put_object(Bucket="bench", Key="small", Body=b"x" * 1000)
    reading = partial(client("s3", OTHER).get_object, Bucket="bench", Key="small")
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")  # Without one, a VPC has no names.
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    beside = ec2.create_vpc_endpoint(VpcId=other, ServiceName="com.amazonaws.us-east-1.s3")["VpcEndpoint"]
    vpcs = {"flooding": vpc, "other": other, "endpoint": beside["VpcEndpointId"]}
    (folder / "vpcs.new").write_text(json.dumps(vpcs))
    (folder / "vpcs.new").rename(folder / "vpcs")
    _until_exists(folder / "fronted")
    host = b"127.0.0.1:%d" % ports["public"]

    def wrongly_signed(key: bytes) -> bytes:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()).encode()
        return _HEAD % (b"POST /", host, _FORM + _SIGNED_WRONGLY % (stamp, key, stamp[:8])) + _BODY

    unsigned = _HEAD % (b"POST /", host, _FORM) + _BODY
    floods: list[tuple[str, str, Callable[[], bytes], Callable[[], Any], str]] = [
        (
            "calls without a signature",
            "public",
            lambda: unsigned,
            ec2.describe_vpcs,
            "",
        ),
        ("calls with a wrong signature", "public", lambda: wrongly_signed(key_id), ec2.describe_vpcs, ""),
        ("calls with an unknown key", "public", lambda: wrongly_signed(b"AKIA" + b"B" * 16), ec2.describe_vpcs, ""),
        (
            "reads of objects without a signature, by one job",
            FLOODING,
            lambda: _HEAD % (b"GET /bench/small", b"s3.us-east-1.amazonaws.com", b""),
            reading,
            "; in VPCs",
        ),
    ]
    for what, kind, request, call, where in floods:
        yield _against(f"{RATE} a second: {what}", folder, partial(_flood, ports[kind], request()), call, where)
    half = _HEAD % (b"POST /", host, _FORM) + _BODY[:10]
    what = f"{HALF_SENT:,} half-sent requests"
    yield _against(what, folder, partial(_half_send, ports["public"], half, 3600), ec2.describe_vpcs, "")
    what = f"{HALF_SENT:,} half-sent requests, each opened again a second after it was cut"
    yield _against(what, folder, partial(_half_send, ports["public"], half, 1), ec2.describe_vpcs, "", "reported")
    _check_resolver(ports["resolver-udp"])
    ask = partial(_ask, ports["resolver-udp"], ports["resolver-tcp"])
    what = f"{QUESTIONS:,} questions a second to a VPC's resolver, and {BOMBS} with 63 KB of compressed names"
    yield _against(what, folder, ask, ec2.describe_vpcs, "")
    beside_it = partial(client("s3", "endpoint-http").get_object, Bucket="bench", Key="small")
    yield _against(f"{what}: for a job of another VPC", folder, ask, beside_it, "; through its front")


def _until_exists(path: Path) -> None:
    while not path.exists():
        time.sleep(0.05)


def _against(
    what: str, folder: Path, flood: Callable[[], None], call: Callable[[], Any], where: str, bar: str = "2 ×"
) -> Row:
    """Measure pairs of windows, with and without a flood."""
    ratios, with_flood, without, grown = [], [], [], 0
    for number in range(ROUNDS + 1):
        usual = _percentile(_window(call))
        before = _written(folder)
        flooding = multiprocessing.get_context("fork").Process(target=flood, daemon=True)
        flooding.start()
        time.sleep(1)
        try:
            meanwhile = _percentile(_window(call))
        finally:
            flooding.terminate()
            flooding.join()
        time.sleep(1)
        if number:  # The first round warms up.
            ratios.append(meanwhile / usual)
            with_flood.append(meanwhile)
            without.append(usual)
            grown += _written(folder) - before
    return Row(
        what,
        f"{median(ratios):.2f} × ({min(ratios):.2f} to {max(ratios):.2f})",
        bar,
        f"p99 of {OTHERS_RATE} {'GetObject' if where else 'DescribeVpcs'} a second, with the flood against without"
        f"{where}: {median(with_flood) * 1000:.1f} against {median(without) * 1000:.1f} ms; {ROUNDS} pairs of "
        f"{SECONDS:.0f} s; log and trail grew by {grown / ROUNDS / (SECONDS + 1) / 1000:.0f} KB a second, with what "
        "they have of the measured calls",
    )


def _window(call: Callable[[], Any]) -> list[float]:
    """Return the seconds of each call of a window; calls begin at equal intervals."""
    times = []
    began = time.perf_counter()
    for number in range(int(SECONDS * OTHERS_RATE)):
        time.sleep(max(0.0, began + number / OTHERS_RATE - time.perf_counter()))
        start = time.perf_counter()
        answer = call()
        if "Body" in answer:
            answer["Body"].read()
        times.append(time.perf_counter() - start)
    return times


def _percentile(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]


def _written(folder: Path) -> int:
    """Return the bytes of log and trail."""
    return sum(path.stat().st_size for path in [folder / "log", *(folder / "trail").glob("*")])


def _flood(port: int, request: bytes) -> None:
    """Send a request at a rate, and reopen closed connections."""

    async def one(number: int) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        reader = writer = None
        for turn in range(1 << 30):
            await asyncio.sleep(max(0.0, began + (turn * CONNECTIONS + number) / RATE - loop.time()))
            try:
                if writer is None or reader is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                found = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                await reader.readexactly(int(found[0].split(b":")[1]) if found else 0)
                if b"connection: close" in head.lower():
                    writer.close()
                    writer = None
            except (OSError, EOFError):
                writer = None

    async def all_of_them() -> None:
        await asyncio.gather(*map(one, range(CONNECTIONS)))

    uvloop.run(all_of_them())


def _half_send(port: int, begun: bytes, rest: float) -> None:
    """Hold connections with unfinished requests; a cut connection is reopened after this many seconds."""

    async def one(number: int) -> None:
        await asyncio.sleep(number / HALF_SENT)
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(begun)
                await reader.read()
                writer.close()
            except OSError:
                pass
            await asyncio.sleep(rest)

    async def all_of_them() -> None:
        await asyncio.gather(*map(one, range(HALF_SENT)))

    uvloop.run(all_of_them())


_NAME = b"\x02s3\x09us-east-1\x09amazonaws\x03com\0\0\1\0\1"
_QUESTION = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + _NAME


def _check_resolver(port: int) -> None:
    """Check that a question has an answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(10)
        asking.sendto(_QUESTION, ("127.0.0.1", port))
        answer = asking.recv(512)
    assert answer[3] & 15 == 0
    assert int.from_bytes(answer[6:8], "big") > 0


def _ask(datagrams: int, stream: int) -> None:
    """Ask a resolver at a rate, by datagrams, and each second by connections with names that point to names."""
    records = b"".join(struct.pack("!HHHIH", 0xC000 | min(0x3FFF, 12 + 12 * n), 1, 1, 0, 0) for n in range(5_000))
    bomb = struct.pack("!6H", 7, 0x0100, 1, 0xFFFF, 0xFFFF, 0xFFFF) + _NAME + records

    async def bombs() -> None:
        while True:
            await asyncio.gather(*(one_bomb() for _ in range(BOMBS)), asyncio.sleep(1))

    async def one_bomb() -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", stream)
            writer.write(len(bomb).to_bytes(2, "big") + bomb)
            await reader.read()
            writer.close()
        except OSError:
            pass

    async def questions() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.setblocking(False)
            while True:
                for _ in range(QUESTIONS // 64):
                    try:
                        asking.sendto(_QUESTION, ("127.0.0.1", datagrams))
                    except OSError:
                        pass
                await asyncio.sleep(1 / 64)

    async def both() -> None:
        await asyncio.gather(bombs(), questions())

    uvloop.run(both())


if __name__ == "__main__":
    main()
