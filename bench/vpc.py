"""EC2 calls over HTTP: the time to an answer, and to a new interface's effect in the kernel. Needs root."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.report import Row, record, spread
from reading_room.agent.holder import recorded
from reading_room.cli import reading
from reading_room.cli.agent_config import runtime_folder
from reading_room.cli.running import free_port, started
from reading_room.settings import Settings

ROUNDS = 100


def main() -> None:
    """Measure and record."""
    os.environ["READING_ROOM_STANDBY"] = "0"
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with started(data, free_port(), Path(folder) / "log") as endpoint:
            record("VPC calls", list(_calls(reading.Account(endpoint), data)))


def _calls(account: reading.Account, data: Path) -> Iterator[Row]:
    ec2 = account.ec2
    how = f"{ROUNDS} calls by boto3 in another process; the client's own work is included"
    vpcs = _timed(lambda _: ec2.create_vpc(CidrBlock="10.0.0.0/16"))
    yield Row("CreateVpc accepted over HTTP", spread(vpcs), "15 ms median", how)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    found = _timed(lambda number: ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24"))
    yield Row("CreateSubnet accepted over HTTP", spread(found), "15 ms median", how)
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.250.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(VpcId=vpc, GroupName="bench", Description="bench")["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": group}]},
        ],
    )
    # An endpoint's interface has the group, so the kernel has the set of the group's members.
    service = f"com.amazonaws.{Settings().region}.sts"
    ec2.create_vpc_endpoint(
        VpcId=vpc,
        VpcEndpointType="Interface",
        ServiceName=service,
        SubnetIds=[subnet],
        SecurityGroupIds=[group],
        PrivateDnsEnabled=False,
    )
    accepted, in_force = [], []
    with _changes(data, vpc) as next_with:
        for number in range(ROUNDS):
            address = f"10.0.250.{number + 100}"
            began = time.perf_counter()
            ec2.create_network_interface(SubnetId=subnet, Groups=[group], PrivateIpAddress=address)
            accepted.append(time.perf_counter() - began)
            next_with(address)
            in_force.append(time.perf_counter() - began)
    yield Row("CreateNetworkInterface accepted over HTTP", spread(accepted), "15 ms median", how)
    what = "from the call's start until the kernel tells that the group's members have the address"
    yield Row("the same until in force", spread(in_force), "30 ms median", f"{ROUNDS} times; {what}")


def _timed(call: Callable[[int], object]) -> list[float]:
    times = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        call(number)
        times.append(time.perf_counter() - began)
    return times


@contextmanager
def _changes(data: Path, vpc: str) -> Iterator[Callable[[str], None]]:
    """Yield a function that waits until an element with a text is added to a set of the VPC's ruleset."""
    holder = recorded(runtime_folder(Settings(data=data)))
    assert holder is not None
    namespace = holder.public_dir / "netns" / vpc
    deadline = time.monotonic() + 10
    while not namespace.exists():
        assert time.monotonic() < deadline, f"{vpc} has no router"
        time.sleep(0.05)
    time.sleep(1)
    argv = ["nsenter", f"--net={namespace}", "nft", "monitor", "elements"]
    monitor = subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    assert monitor.stdout is not None
    os.set_blocking(monitor.stdout.fileno(), False)
    selector = selectors.DefaultSelector()
    selector.register(monitor.stdout, selectors.EVENT_READ)
    time.sleep(0.5)

    def wait(text: str) -> None:
        output = b""
        while text.encode() not in output:
            assert selector.select(10), f"no element {text} within 10 s; output: {json.dumps(output.decode())}"
            assert monitor.stdout is not None
            output += os.read(monitor.stdout.fileno(), 1 << 16)

    try:
        yield wait
    finally:
        monitor.terminate()
        monitor.wait()


if __name__ == "__main__":
    main()
