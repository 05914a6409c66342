"""The commands of pages that start the product differently: with HTTPS, and with an uplink."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from reading_room.cli.running import free_port
from tests.worlds.shells import EXAMPLES, by_default, product_of, steps_of, wrong_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

UP = """
UP=
up() {
    [ -z "$UP" ] || { kill $UP; wait $UP || true; }
    : > /tmp/ready
    command reading-room "$@" --port $READING_ROOM_PORT --console-port 0 > /tmp/ready 2>> /tmp/log &
    UP=$!
    for _ in $(seq 600); do
        if grep -q ^ready /tmp/ready; then sed -n "/^ready/s/:$READING_ROOM_PORT$/:4566/p" /tmp/ready; return; fi
        kill -0 $UP || break
        sleep 0.1
    done
    tail /tmp/log
    return 1
}
reading-room() { if [ "$1" = up ]; then up "$@"; else command reading-room "$@"; fi; }
trap 'kill $UP; wait $UP || true' EXIT
"""
"""Starts the product beside the shell, in place of one that it started before, and prints its output."""


@pytest.mark.costs(10, reason="the product is started three times")
def test_https(tmp_path: Path) -> None:
    """Each way to start it, with a certificate of another authority and with its own."""
    from reading_room.clock import system_clock
    from reading_room.hosts.authority import prepare_certificates
    from reading_room.sealing import Sealer

    made = prepare_certificates(tmp_path / "elsewhere", ["localhost"], system_clock(), Sealer.of_the_moment())
    pem = made.leaf.read()
    end = pem.index(b"-----BEGIN PRIVATE KEY-----")
    for name, content in (("reading.pem", pem[:end]), ("reading.key", pem[end:])):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    examples = {"4568": str(free_port()), "/etc/ssl/": "/tmp/"}
    with product_of(tmp_path / "doors") as product:
        more = by_default(product)
        wrong = wrong_in(steps_of("doors", "tls.md"), product, tmp_path, before=UP, examples=examples, more=more)
    assert not wrong, "\n\n".join(wrong)


def _writes_settings_of_its_own_network() -> bool:
    """Return whether a child of this process may have its own network, and change that network's settings."""
    probe = ["unshare", "--net", "test", "-w", "/proc/sys/net/ipv4/ip_forward"]
    return os.geteuid() == 0 and not subprocess.run(probe, capture_output=True, check=False).returncode


PUBLIC = f"""{UP}
ip link set lo up
READING_ROOM_UPLINK=veth reading-room up
ENI=$(python - <<'END'
import boto3

ec2 = boto3.client("ec2")
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
tables = ec2.describe_route_tables(Filters=[{{"Name": "vpc-id", "Values": [vpc]}}])["RouteTables"]
gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
ec2.attach_internet_gateway(VpcId=vpc, InternetGatewayId=gateway)
ec2.create_route(RouteTableId=tables[0]["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
address = ec2.allocate_address(Domain="vpc")["AllocationId"]
ec2.associate_address(AllocationId=address, NetworkInterfaceId=interface)
print(interface)
END
)
until ip link show rr-uplink; do sleep 0.1; done
"""
"""Starts the product with an uplink, and makes an interface with a public address that uses it."""


@pytest.mark.costs(5, reason="the product is started in a network of its own")
@pytest.mark.skipif(
    any(shutil.which(each) is None for each in ("unshare", "ip", "nft", "sysctl")),
    reason="the page uses unshare, ip, nft and sysctl, which are not all installed here",
)
def test_the_uplink(tmp_path: Path) -> None:
    """In the test's own network, as if it were the machine's: routes and firewall are set only there."""
    if not _writes_settings_of_its_own_network():
        pytest.skip("nobody but root may change the settings of a network namespace, and here not even root may")
    with product_of(tmp_path / "uplink") as product:
        steps, apart, more = steps_of("uplink", "uplink.md"), ("unshare", "--net"), by_default(product)
        wrong = wrong_in(steps, product, tmp_path, before=PUBLIC, examples=EXAMPLES, around=apart, more=more)
    assert not wrong, "\n\n".join(wrong)
