"""The processes of the product: how they start and end, what they may do, and what they keep."""

from __future__ import annotations

import configparser
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.cli import reading
from reading_room.cli.root_key import read_root_key
from tests.worlds.place import Place
from tests.worlds.product import STOP_SECONDS, Product, running_product
from tests.worlds.waiting import eventually, settled

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

NOBODY = 65534


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A separate product for this module, because the tests inspect all of it.

    It starts a container ahead, and logs everything as JSON.
    """
    log = {"LOG_LEVEL": "debug", "LOG_FORMAT": "json"}
    with running_product(tmp_path_factory.mktemp("product"), STANDBY="1", **log) as found:
        yield found


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Product]:
    """A product that the test starts and ends."""
    found = Product(tmp_path)
    try:
        yield found
    finally:
        found.clear()


# Starting


def test_ready_is_the_only_line_on_standard_output(product: Product) -> None:
    assert product.stdout == [f"ready http://127.0.0.1:{product.port}\n".encode()]


def test_a_second_up_on_the_same_folder_is_refused_and_names_the_first(product: Product) -> None:
    assert product.up is not None
    places = {"READING_ROOM_STATE": str(product.state), "READING_ROOM_SERVICE_UID": product.settings["SERVICE_UID"]}
    second = _run_up(product.data, port=0, **places)
    assert second.returncode == 1
    assert f"in use by process {product.up.pid}" in second.stderr
    assert second.stdout == ""
    # The settings of the second `up` may differ, and must not have changed the folder.
    account = product.account()
    account.s3.create_bucket(Bucket="after-the-second")
    account.s3.put_object(Bucket="after-the-second", Key="key", Body=b"content")


def test_a_port_in_use_is_reported_with_the_option_to_change(product: Product, tmp_path: Path) -> None:
    refused = _run_up(tmp_path / "data", port=product.port)
    assert refused.returncode == 1
    assert f"127.0.0.1:{product.port} cannot be bound (Address already in use)" in refused.stderr
    assert "--port" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_data_folder_below_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    refused = _run_up(tmp_path / "file" / "data", port=0)
    assert refused.returncode == 1
    assert f"{tmp_path}/file/data cannot be written (Not a directory)" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_data_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    _refused_as_unwritable(tmp_path / "closed" / "data")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the owner of a folder")
def test_a_data_folder_of_another_user_is_reported(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    os.chown(tmp_path / "data", NOBODY, NOBODY)
    _refused_as_unwritable(tmp_path / "data")


def test_up_in_a_namespace_without_the_servers_user_id_names_the_setting(tmp_path: Path) -> None:
    refused = _run_up(tmp_path / "data", 0, "/usr/bin/unshare", "-U", "--map-root-user")
    assert refused.returncode == 1
    assert "set READING_ROOM_SERVICE_UID to one that exists here, or start as an ordinary user" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_two_products_side_by_side_run_jobs_at_the_same_addresses(product: Product, other: Product) -> None:
    other.start()
    places = [Place(product), Place(other)]
    for place in places:
        place.put("in/", 3)
    jobs = [place.start("in/") for place in places]
    for place, job in zip(places, jobs, strict=True):
        assert place.wait(job)["JobStatus"] == "COMPLETED"
    assert product.account().s3.list_buckets()["Buckets"][-1]["Name"] != places[1].bucket
    # Without a running job, and as Ctrl-C ends it.
    assert other.stop(signal.SIGINT) < STOP_SECONDS
    settled(other.remains, 0.5)
    settled(product.leftovers)


# Ending


@pytest.mark.costs(8, reason="a product starts, and each of its processes twice")
def test_processes_that_are_killed_during_the_start_are_started_again(other: Product) -> None:
    other.launch()
    killed = set[int | None]()
    for role in ("serve", "agent"):
        process = eventually(partial(other.running_child, role), what=role, passing=True)
        assert process is not None
        other.kill_processes([process])
        killed.add(process)
    other.await_ready(f"http://127.0.0.1:{other.port}")
    assert other.account().ec2.describe_vpcs()["Vpcs"]
    assert killed.isdisjoint(other.processes())


def test_sigterm_ends_all_processes_within_ten_seconds_while_a_job_runs(other: Product) -> None:
    other.start()
    place = Place(other)
    place.put("in/", 20_000)
    job = place.start("in/", "entities")
    eventually(lambda: place.worker(job), 60, "a worker")
    assert other.stop() < STOP_SECONDS
    settled(other.remains, 0.5)


def test_no_process_survives_a_killed_up(other: Product) -> None:
    other.start()
    place = Place(other)
    place.put("in/", 20_000)
    job = place.start("in/", "entities")
    eventually(lambda: place.worker(job), 60, "a worker")
    other.kill_processes(other.victims("up"))
    settled(other.remains, 15)


@pytest.mark.costs(18, reason="starts the product twice and runs two jobs, one of them twice")
def test_a_restart_on_the_same_folder_keeps_everything(other: Product) -> None:
    other.start()
    place = Place(other)
    place.put("in/", 3)
    done = place.start("in/", "entities")
    assert place.wait(done)["JobStatus"] == "COMPLETED"
    place.put("long/", 1_000)
    with place.held("long/") as (cut, _):
        before = _everything(other.account(), place)
        key = other.endpoint()
        assert other.stop() < STOP_SECONDS

    again = other.start()
    assert (again.access_key_id, again.secret_access_key) == (key.access_key_id, key.secret_access_key)
    assert _everything(other.account(), place) == before
    assert len(place.results(place.describe(done))) == 3
    properties = place.wait(cut)
    assert properties["JobStatus"] == "COMPLETED", f"{properties}\n{place.story(cut)}\n{other.tail()}"
    assert len(place.results(properties)) == 1_000
    settled(other.leftovers)


# Permissions of the processes and files


def test_the_credentials_file_has_the_shared_format_and_all_files_are_private(product: Product) -> None:
    file = product.data / "credentials"
    parser = configparser.ConfigParser()
    parser.read(file)
    assert set(parser["default"]) >= {"aws_access_key_id", "aws_secret_access_key"}
    assert stat.S_IMODE(product.data.stat().st_mode) == 0o700
    Place(product)
    for path in product.data.rglob("*"):
        mode = path.lstat().st_mode
        assert stat.S_IMODE(mode) & 0o077 == 0, f"{path} has mode {mode:o}"


def test_a_deny_applies_to_the_first_administrator(product: Product) -> None:
    account = product.account()
    arn = account.client("sts").get_caller_identity()["Arn"]
    assert arn.startswith("arn:aws:iam::000000000001:user/")
    deny = {"Sid": "NoBuckets", "Effect": "Deny", "Action": "s3:CreateBucket", "Resource": "*"}
    bound = {"UserName": arn.rpartition("/")[2], "PolicyName": "bound"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    account.iam.put_user_policy(**bound, PolicyDocument=document)
    try:
        with pytest.raises(ClientError) as refused:
            account.s3.create_bucket(Bucket="never-to-be-made")
    finally:
        account.iam.delete_user_policy(**bound)
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    assert "never-to-be-made" not in [bucket["Name"] for bucket in account.s3.list_buckets()["Buckets"]]


def test_serve_has_neither_root_nor_capabilities(product: Product) -> None:
    status = _status(product.child("serve"))
    if os.geteuid() == 0:
        assert set(status["Uid"].split()) == set(status["Gid"].split()) == {product.settings["SERVICE_UID"]}
        assert status.get("Groups", "").split() == []
    else:
        assert set(status["Uid"].split()) == {str(os.geteuid())}
    for held in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[held], 16) == 0, held
    assert status["NoNewPrivs"].strip() == "1"


def test_every_process_has_a_system_call_filter_and_a_worker_has_two(product: Product) -> None:
    place = Place(product)
    with place.running() as (_, worker):
        filters = {name: _status(pid) for name, pid in (("worker", worker), *_services(product))}
    for name, status in filters.items():
        assert (status["Seccomp"].strip(), status["NoNewPrivs"].strip()) == ("2", "1"), name
    # A worker inherits the agent's filters and has two more. It installed the second of them when it received its job.
    own = int(filters["worker"]["Seccomp_filters"]) - int(filters["agent"]["Seccomp_filters"])
    assert own == 2


def test_no_secret_is_visible_in_a_process_or_in_the_log(product: Product) -> None:
    place = Place(product)
    account = product.account()
    user = account.iam.create_user(UserName="somebody")["User"]["UserName"]
    made = account.iam.create_access_key(UserName=user)["AccessKey"]
    sts = account.client("sts")
    session = sts.assume_role(RoleArn=_own_role(account), RoleSessionName="me")["Credentials"]
    secrets = {
        "administrator's key": product.endpoint().secret_access_key,
        "user's key": made["SecretAccessKey"],
        "session's key": session["SecretAccessKey"],
        "session's token": session["SessionToken"],
        "root key": read_root_key(product.read_settings()).hex(),
    }
    with place.running() as (job, worker):
        path = place.credentials_path(job)
        # The path is a secret of the job's process, which receives it through a pipe.
        secrets["credentials path"] = path.rpartition("/")[2]
        shown = {pid: _visible(pid) for pid in product.processes()}
        assert worker in shown
        assert any(b"serve" in text for text in shown.values())
    log = product.log.read_bytes()
    assert b'"level": "debug"' in log
    for name, secret in secrets.items():
        assert len(secret) >= 20, name
        assert secret.encode() not in log, f"the {name} is in the log"
        found = [pid for pid, text in shown.items() if secret.encode() in text]
        assert not found, f"the {name} is visible in process {found}"


@pytest.mark.costs(5, reason="the agent is started again, and a job waits for it")
def test_every_line_of_the_log_is_json(product: Product) -> None:
    """``up`` says of a killed process that it starts another one, which logs, too."""
    product.kill("agent")
    eventually(lambda: "starting it again" in product.log.read_text())
    place = Place(product)
    place.put("in/", 1)
    assert place.run("in/")["JobStatus"] == "COMPLETED"
    assert {line["process"] for line in product.log_lines()} == {"up", "serve", "agent"}


def test_the_processes_of_a_product_listen_on_its_port_only(product: Product) -> None:
    listening = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout.splitlines()
    ours = {str(pid) for pid in product.processes()}
    found = {line.split()[3] for line in listening if any(f"pid={pid}," in line for pid in ours)}
    # ``serve`` is not dumpable, so the kernel does not show its sockets to an ordinary user.
    assert found == ({f"127.0.0.1:{product.port}"} if os.geteuid() == 0 else set())


def _everything(account: reading.Account, place: Place) -> dict[str, object]:
    vpcs: Any = [{"Name": "vpc-id", "Values": [place.network.vpc]}]
    ec2 = account.ec2
    return {
        "buckets": [bucket["Name"] for bucket in account.s3.list_buckets()["Buckets"]],
        "objects": [
            (entry["Key"], entry["ETag"])
            for entry in account.s3.list_objects_v2(Bucket=place.bucket, Prefix="in/")["Contents"]
        ],
        "vpcs": sorted(json.dumps(vpc, sort_keys=True) for vpc in ec2.describe_vpcs()["Vpcs"]),
        "subnets": sorted(subnet["SubnetId"] for subnet in ec2.describe_subnets(Filters=vpcs)["Subnets"]),
        "groups": ec2.describe_security_groups(Filters=vpcs)["SecurityGroups"],
        "tables": ec2.describe_route_tables(Filters=vpcs)["RouteTables"],
        "endpoints": [found["VpcEndpointId"] for found in ec2.describe_vpc_endpoints(Filters=vpcs)["VpcEndpoints"]],
        "jobs": sorted(
            job["JobId"]
            for job in account.comprehend.list_entities_detection_jobs()["EntitiesDetectionJobPropertiesList"]
        ),
    }


def _own_role(account: reading.Account) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return account.iam.create_role(RoleName="for-me", AssumeRolePolicyDocument=trust)["Role"]["Arn"]


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":", 1) for line in lines)


def _services(product: Product) -> list[tuple[str, int]]:
    assert product.up is not None
    children = [(name, product.child(name)) for name in ("serve", "agent")]
    return [*children, ("up", product.up.pid), ("holder", product.holder().pid)]


def _visible(pid: int) -> bytes:
    """Return what another process of the same user can see of a process; some do not show their environment."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes() if os.access(f"/proc/{pid}/environ", os.R_OK) else b""
        return Path(f"/proc/{pid}/cmdline").read_bytes() + environment
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


def _refused_as_unwritable(data: Path) -> None:
    # Without capabilities, user 0 has no more rights than other users, but still owns the files of the checkout.
    before = () if os.geteuid() else ("/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all")
    refused = _run_up(data, 0, *before)
    assert refused.returncode == 1
    assert f"{data} cannot be written (" in refused.stderr
    assert "--data" in refused.stderr
    assert "Traceback" not in refused.stderr


def _run_up(data: Path, port: int, *before: str, **environment: str) -> subprocess.CompletedProcess[str]:
    if port == 0:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    more = ("--console-port", "0")
    return subprocess.run(
        [*before, sys.executable, "-m", "reading_room", "up", "--data", str(data), "--port", str(port), *more],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"COLUMNS": "500"} | environment,
    )
