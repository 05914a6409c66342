"""Calls of one client against moto_server, which only records them: our time divided by its, in alternating rounds.

``BENCH_MOTO`` names the program: ``pip install 'moto[server,s3,ec2]'`` into a separate environment. It checks no
signatures or policies, keeps everything in memory, and its jobs analyse nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from bench.report import Row, median, record, spread
from reading_room.cli import reading
from reading_room.cli.running import Endpoint, free_port, started
from reading_room.client import connect

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
OBJECT = os.urandom(4096)
LARGE = 64 << 20
BUCKET = "beside-moto"

Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Measured:
    """A call, its number per round, and its limit as a multiple of moto_server's time."""

    what: str
    calls: int
    bar: str


ALL = {
    "put": Measured("PUT of an object of 4 KB", 60, "0.8 ×"),
    "get": Measured("GET of an object of 4 KB", 60, "0.75 ×"),
    "large": Measured("GET of an object of 64 MB", 3, "0.5 ×"),
    "describe": Measured("DescribeVpcs", 60, "0.45 ×"),
    "interface": Measured("CreateNetworkInterface and DeleteNetworkInterface", 30, "1.5 ×"),
    "job": Measured("StartEntitiesDetectionJob, until accepted", 4, "2 ×"),
}


def main() -> None:
    """Measure and record."""
    program = os.environ.get("BENCH_MOTO")
    if not program:
        sys.exit("BENCH_MOTO names no moto_server: pip install 'moto[server,s3,ec2]' into an environment of its own")
    os.environ["READING_ROOM_STANDBY"] = "0"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        endpoint = stack.enter_context(started(folder / "data", free_port(), folder / "log"))
        sides = {"ours": _ours(endpoint), "theirs": _theirs(stack.enter_context(_moto(program, folder)))}
        # A product that has just started has more to do than calls, for some seconds.
        for name in ("put", "get", "describe"):
            _times(sides, name, ALL[name].calls)
        rows = [row for name, measured in ALL.items() for row in [_row(measured, _times(sides, name, measured.calls))]]
    record("Beside moto_server", rows)


def _row(measured: Measured, times: Mapping[str, list[float]]) -> Row:
    ours, theirs = times["ours"], times["theirs"]
    how = f"{ROUNDS} alternating rounds of {measured.calls} by boto3; {spread(ours)} against {spread(theirs)}"
    return Row(
        f"{measured.what}: time against moto_server's", f"{median(ours) / median(theirs):.2f} ×", measured.bar, how
    )


def _times(sides: Mapping[str, Mapping[str, Call]], name: str, calls: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(ROUNDS + 1):
        for side, known in sides.items():
            for _ in range(calls):
                began = time.perf_counter()
                known[name]()
                if number:  # The first round warms up.
                    times[side].append(time.perf_counter() - began)
                # Accepted jobs run, and would slow down the next measurement.
                known.get(f"after {name}", _nothing)()
    return times


def _nothing() -> None:
    pass


def _ours(endpoint: Endpoint) -> dict[str, Call]:
    account = reading.Account(endpoint)
    account.s3.create_bucket(Bucket=BUCKET)
    network = reading.build_network(account)
    role = reading.make_reader_role(account, BUCKET, BUCKET)

    def over() -> None:
        """Wait until all jobs have ended."""
        for status in ("SUBMITTED", "IN_PROGRESS"):
            jobs: Any = {"Filter": {"JobStatus": status}}
            while account.comprehend.list_entities_detection_jobs(**jobs)["EntitiesDetectionJobPropertiesList"]:
                time.sleep(0.1)

    return _calls(account.s3, account.ec2, account.comprehend, role, network.config()) | {"after job": over}


def _theirs(url: str) -> dict[str, Call]:
    s3, ec2, comprehend = (
        cast(Any, connect(service, url, access_key_id="a", secret_access_key="b"))
        for service in ("s3", "ec2", "comprehend")
    )
    s3.create_bucket(Bucket=BUCKET)
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    vpc = {"Subnets": [subnet], "SecurityGroupIds": [group]}
    return _calls(s3, ec2, comprehend, "arn:aws:iam::123456789012:role/reader", vpc)


def _calls(s3: Any, ec2: Any, comprehend: Any, role: str, vpc: Mapping[str, Any]) -> dict[str, Call]:
    s3.put_object(Bucket=BUCKET, Key="in/a.txt", Body=b"Paris is in France.")
    s3.put_object(Bucket=BUCKET, Key="small", Body=OBJECT)
    s3.put_object(Bucket=BUCKET, Key="large", Body=bytes(LARGE))

    def interface() -> None:
        made = ec2.create_network_interface(SubnetId=vpc["Subnets"][0])["NetworkInterface"]["NetworkInterfaceId"]
        ec2.delete_network_interface(NetworkInterfaceId=made)

    def read(key: str) -> None:
        for _ in s3.get_object(Bucket=BUCKET, Key=key)["Body"].iter_chunks(1 << 20):
            pass

    return {
        "put": lambda: s3.put_object(Bucket=BUCKET, Key="small", Body=OBJECT),
        "get": lambda: read("small"),
        "large": lambda: read("large"),
        "describe": ec2.describe_vpcs,
        "interface": interface,
        "job": lambda: comprehend.start_entities_detection_job(
            InputDataConfig={"S3Uri": f"s3://{BUCKET}/in/"},
            OutputDataConfig={"S3Uri": f"s3://{BUCKET}/out/"},
            DataAccessRoleArn=role,
            LanguageCode="en",
            VpcConfig=vpc,
        ),
    }


@contextmanager
def _moto(program: str, folder: Path) -> Iterator[str]:
    port = free_port()
    with (folder / "moto.log").open("wb") as log:
        process = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log)
    try:
        for _ in range(600):
            time.sleep(0.05)
            if b"Running on" in (folder / "moto.log").read_bytes():
                break
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
