"""The commands of pages that want a product in a state of their own, or start one."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.quality.__main__ import TASKS
from bench.quality.corpora import FOLDER_VARIABLE
from reading_room.cli import reading
from reading_room.cli.running import free_port
from tests.worlds.pages import DOCS, ROOT, blocks
from tests.worlds.product import Product
from tests.worlds.shells import EXAMPLES, PROGRAMS, by_default, data_of, product_of, steps_of, wrong_in
from tests.worlds.tools import install

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1300)]

OF_MAKE = pytest.mark.skipif(
    PROGRAMS.parent.parent != ROOT, reason="the tests run in an environment that make does not use"
)


def test_several_accounts_and_changed_keys(product: Product, tmp_path: Path) -> None:
    """With a user who has one key already."""
    before = """
    aws iam create-user --user-name alice
    KEY=$(aws iam create-access-key --user-name alice --query AccessKey.AccessKeyId --output text)
    """
    # The page goes on as the new account; the user that it speaks of is of the first.
    before += 'aws() { if [ $1 = iam ]; then AWS_PROFILE=default command aws "$@"; else command aws "$@"; fi; }'
    more = by_default(product)
    wrong = wrong_in(
        steps_of("accounts", "accounts.md"), product, tmp_path, before=before, examples=EXAMPLES, more=more
    )
    assert not wrong, "\n\n".join(wrong)


def test_several_containers_and_custom_models(product: Product, tmp_path: Path) -> None:
    """They begin with what the tutorial has made."""
    account = reading.Account(product.endpoint())
    account.s3.create_bucket(Bucket="library")
    reading.make_reader_role(account, "reader", "library")
    network = reading.build_network(account)
    more = by_default(product) | {"SUBNET": network.subnets[0]}
    before = f"""
    GROUP=$(aws ec2 create-security-group --vpc-id {network.vpc} --group-name open --description open \\
        --query GroupId --output text)
    echo "Marie Curie was born in Warsaw." | aws s3 cp - s3://library/in/a.txt
    """
    told = steps_of("models", "distributed.md", "custom-models.md")
    wrong = wrong_in(told, product, tmp_path, before=before, examples=EXAMPLES, more=more)
    assert not wrong, "\n\n".join(wrong)
    jobs = account.comprehend.list_entities_detection_jobs()["EntitiesDetectionJobPropertiesList"]
    assert [job["JobStatus"] for job in jobs] == ["COMPLETED", "COMPLETED"]


def test_files_for_s3(product: Product, tmp_path: Path) -> None:
    """The library s3fs has an environment of its own."""
    before = """
    mkdir folder; echo one > folder/one.txt; echo %PDF > report.pdf
    python() {
        typed=$(cat)
        case $typed in *s3fs*) $TOOLS/python -c "$typed";; *) command python -c "$typed";; esac
    }
    """
    # By the environment, where a checkout below /tmp keeps its name.
    more = by_default(product) | {"TOOLS": str(install())}
    wrong = wrong_in(steps_of("tools", "s3.md"), product, tmp_path, before=before, more=more)
    assert not wrong, "\n\n".join(wrong)
    found = reading.Account(product.endpoint()).s3.list_objects_v2(Bucket="papers")["Contents"]
    assert {entry["Key"] for entry in found} == {"folder/one.txt", "report.pdf"}


def test_the_engine_of_the_page_is_one(tmp_path: Path) -> None:
    """It is loaded as it stands there, and answers a text and an empty one."""
    (step,) = steps_of("engine", "adding-an-engine.md")
    module = tmp_path / "dutch_entities.py"
    module.write_text(step.text)
    engine = runpy.run_path(str(module))["DutchEntities"]
    made = engine()
    assert made.result_member == "Entities"
    assert [len(each) for each in made.analyse(["Jan woont in Utrecht.", ""])] == [1, 1]


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
"""Starts the product beside the shell, in place of one that it started before, and says what it said."""


def test_https(tmp_path: Path) -> None:
    """Each way to start it, with a certificate of somebody else's and with its own."""
    from reading_room.clock import system_clock
    from reading_room.hosts.authority import prepare_doors

    pem = prepare_doors(tmp_path / "elsewhere", ["localhost"], system_clock()).leaf.read_bytes()
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
    """Whether what this process starts may have a network of its own, and change that one's settings."""
    probe = ["unshare", "--net", "test", "-w", "/proc/sys/net/ipv4/ip_forward"]
    return os.geteuid() == 0 and not subprocess.run(probe, capture_output=True, check=False).returncode


@pytest.mark.skipif(
    any(shutil.which(each) is None for each in ("unshare", "ip", "nft", "sysctl")),
    reason="the page uses unshare, ip, nft and sysctl, which are not all installed here",
)
def test_the_uplink(tmp_path: Path) -> None:
    """In a network of the test's own, which stands for the machine: routes and firewall are set there alone."""
    if not _writes_settings_of_its_own_network():
        pytest.skip("nobody but root may change the settings of a network namespace, and here not even root may")
    before = f"""{UP}
    q() {{ aws "${{@:1:$#-1}}" --query "${{@: -1}}" --output text; }}
    ip link set lo up
    READING_ROOM_UPLINK=veth reading-room up
    VPC=$(q ec2 create-vpc --cidr-block 10.0.0.0/16 Vpc.VpcId)
    SUBNET=$(q ec2 create-subnet --vpc-id $VPC --cidr-block 10.0.1.0/24 Subnet.SubnetId)
    TABLE=$(q ec2 describe-route-tables --filters Name=vpc-id,Values=$VPC RouteTables[0].RouteTableId)
    GATEWAY=$(q ec2 create-internet-gateway InternetGateway.InternetGatewayId)
    aws ec2 attach-internet-gateway --vpc-id $VPC --internet-gateway-id $GATEWAY
    aws ec2 create-route --route-table-id $TABLE --destination-cidr-block 0.0.0.0/0 --gateway-id $GATEWAY
    ENI=$(q ec2 create-network-interface --subnet-id $SUBNET NetworkInterface.NetworkInterfaceId)
    ADDRESS=$(q ec2 allocate-address --domain vpc AllocationId)
    aws ec2 associate-address --allocation-id $ADDRESS --network-interface-id $ENI
    for _ in $(seq 100); do ip link show rr-uplink && break; sleep 0.1; done
    """
    with product_of(tmp_path / "uplink") as product:
        around, more = ("unshare", "--net"), by_default(product)
        wrong = wrong_in(
            steps_of("uplink", "uplink.md"),
            product,
            tmp_path,
            before=before,
            examples=EXAMPLES,
            around=around,
            more=more,
        )
    assert not wrong, "\n\n".join(wrong)


@OF_MAKE
def test_make_up_and_the_first_calls(tmp_path: Path) -> None:
    """In two terminals, as README, the tutorial and the console's page say."""
    steps = steps_of("start", "README.md", "tutorial.md", "console.md")
    starts = [step for step in steps if step.text == "make up"]
    calls = [step._replace(said=FIRST_CALLS[step.text.split()[-1]]) for step in steps if step not in starts]
    assert (len(starts), len(calls)) == (3, len(FIRST_CALLS))
    with product_of(tmp_path / "start") as product:
        places = {"DATA": str(product.data), "PORT": str(product.port), "CONSOLE_PORT": "0", "PYTHON": sys.executable}
        product.launch_as(["/bin/bash", "-c", f"exec {starts[0].text}"], ROOT, **places)
        product.await_ready(f"http://127.0.0.1:{product.port}")
        before = "mkdir my-texts; echo Marie Curie was born in Warsaw. > my-texts/a.txt"
        wrong = wrong_in(calls, product, tmp_path, before=before, more=data_of(product))
    assert not wrong, "\n\n".join(wrong)


FIRST_CALLS = {
    "10.0.0.0/16": '…"VpcId": "vpc-…',
    "entities": "…Marie Curie…PERSON…",
    "get-caller-identity": "…:user/administrator…",
}
"""What they print, by their last words."""


@OF_MAKE
@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not installed here")
def test_quality_without_an_internet(tmp_path: Path) -> None:
    """The commands of "quality.md" say which test sets they lack, leave the page as it is, and fail."""
    (block,) = [block for block in blocks(DOCS / "quality.md") if block.commands]
    apart = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    environment = os.environ | {"HOME": str(tmp_path), "PYTHON": sys.executable}
    environment.pop(FOLDER_VARIABLE, None)
    page = (DOCS / "quality.md").read_bytes()
    lines = [line.replace(".venv/bin", str(PROGRAMS)) for line in block.text.splitlines()]
    for line, tasks in zip(lines, (TASKS, ["entities"]), strict=True):
        run = subprocess.run(
            [*apart, "/bin/bash", "-c", line], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode
        said = [each for each in run.stdout.splitlines() if each.startswith("FAILS ")]
        assert [each.split()[1] for each in said] == [f"{task}:" for task in tasks]
        assert all(f"cannot be fetched into {tmp_path}" in each and FOLDER_VARIABLE in each for each in said), said
        assert "Traceback" not in run.stderr
    assert (DOCS / "quality.md").read_bytes() == page
