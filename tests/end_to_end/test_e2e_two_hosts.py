"""An installation of two hosts, from the token to the removal, with real processes on both, and encryption between."""

from __future__ import annotations

import os
import shlex
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest
from botocore.exceptions import ClientError

from tests.worlds.cluster import SMALL_PARTS, Hall
from tests.worlds.hosts import wireguard_go
from tests.worlds.machines import Machines, two_machines
from tests.worlds.pages import blocks, page_of
from tests.worlds.processes import has_spoken, worker_below
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="root makes the machines"),
]
DOCUMENTS = 200
(PAGE,) = [block for block in blocks(page_of("hosts.md")) if block.commands]


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Machine ``a`` in the zone ``us-east-1a``, which is the host ``local``, and ``b`` in ``us-east-1b``."""
    wireguard_go()
    # Two cores and no more: the second container of a job goes to the other host.
    with two_machines(tmp_path_factory.mktemp("machines"), **SMALL_PARTS | {"CORE_OVERCOMMIT": "1"}) as found:
        found.join()
        with found.entered("a"):
            yield found


@pytest.fixture(scope="module")
def hall(machines: Machines) -> Hall:
    """A place with a subnet in each zone."""
    found = Hall(machines.products["a"])
    found.write("in/", DOCUMENTS, files=2)
    return found


def config(hall: Hall, *subnets: int) -> dict[str, list[str]]:
    """Return the network of a job, with the first subnet (0), the second one (1), or both."""
    return {"SecurityGroupIds": [hall.network.group], "Subnets": [hall.network.subnets[each] for each in subnets]}


@pytest.fixture(scope="module")
def on_a(hall: Hall) -> bytes:
    """The archive that a container on machine ``a`` writes."""
    return hall.completed(hall.run("in/", "entities", VpcConfig=config(hall, 0)))


def flows(hall: Hall, interface: str) -> Counter[str]:
    """Return the delivered flow records of an interface that have packets, with how often each was delivered."""
    events = hall.account.logs.filter_log_events(logGroupName=hall.flows, filterPattern=f'"{interface}"')["events"]
    return Counter(each["message"] for each in events if " OK" in each["message"])


@pytest.mark.costs(30, reason="two hosts are started, and two jobs run")
def test_a_job_on_another_host_writes_the_same_bytes(hall: Hall, on_a: bytes) -> None:
    properties = hall.run("in/", "entities", VpcConfig=config(hall, 1))
    assert hall.completed(properties) == on_a
    assert hall.hosts_told(properties["JobId"]) == {"b"}


@pytest.mark.costs(12, reason="a cluster of two containers is made, and flow logs are delivered")
def test_a_job_spans_two_hosts_and_each_of_its_flows_is_recorded_once(hall: Hall, on_a: bytes) -> None:
    job = hall.start_many("in/", 2, VpcConfig=config(hall, 0, 1))
    members = eventually(lambda: found if len(found := hall.interfaces_of(job)) == 2 else None, what="two interfaces")
    assert hall.completed(hall.wait(job)) == on_a
    assert hall.hosts_told(job) == {"local", "b"}
    between = " ".join(sorted(each["PrivateIpAddress"] for each in members))
    for member in members:
        records = eventually(partial(flows, hall, member["NetworkInterfaceId"]), what="flow records")
        assert set(records.values()) == {1}, records
        pairs = {" ".join(sorted(record.split()[3:5])) for record in records}
        assert between in pairs, records


@pytest.mark.costs(8, reason="two commands run, and an engine is loaded")
def test_a_synchronous_call_is_answered_on_another_host_while_the_first_is_drained(
    machines: Machines, hall: Hall
) -> None:
    def engines(name: str) -> int:
        found = Product.records(machines.products[name])
        return sum(each is not None and each.kind == "realtime" for each in found.values())

    machines.command("a", "host", "drain", "local")
    try:
        found = hall.account.comprehend.detect_sentiment(Text="It is good.", LanguageCode="en")
        assert found["Sentiment"] == "POSITIVE"
        assert (engines("a"), engines("b")) == (0, 1)
    finally:
        machines.command("a", "host", "drain", "local", "--undo")


@pytest.mark.costs(30, reason="the lease of a killed host must end, which takes 12 s, and a job begins again")
def test_the_job_of_a_killed_host_goes_to_another_one_when_its_lease_has_ended(
    machines: Machines, hall: Hall, on_a: bytes
) -> None:
    job = hall.start("in/", "entities", VpcConfig=config(hall, 1, 0))
    there = machines.products["b"]

    def works() -> bool:
        running = [each for each in there.records().values() if each and job in (each.container_id or "")]
        workers = [worker_below(each.pid) for each in running if each.phase == "running"]
        return any(worker is not None and has_spoken(worker) for worker in workers)

    eventually(works, what=f"work on the job {job}")
    address = hall.interface_of(job)["PrivateIpAddress"]
    machines.kill("b")
    killed = time.monotonic()
    with pytest.raises(ClientError, match=r"InvalidIPAddress\.InUse"):
        hall.take(address)
    eventually(lambda: "its host b was lost" in hall.story(job), what="the loss")
    assert time.monotonic() - killed > 8, "a lease lasts ten seconds, and is renewed every two"
    assert hall.completed(hall.wait(job)) == on_a

    def free() -> str | None:
        try:
            return hall.take(address)
        except ClientError:
            return None

    hall.ec2.delete_network_interface(NetworkInterfaceId=eventually(free, what=f"the address {address}"))
    machines.run_host()
    eventually(machines.all_leased, what="two leases")
    properties = hall.run("in/", "entities", VpcConfig=config(hall, 1))
    assert hall.completed(properties) == on_a, "the host that came back works"


@pytest.mark.costs(10, reason="three commands run, and both hosts end their connections")
def test_a_host_is_labelled_drained_removed_and_cut_off(machines: Machines) -> None:
    commands = [shlex.split(line, comments=True) for line in PAGE.text.splitlines()]
    labelled, drained, _ = [machines.command("a", *words) for _, *words in commands]
    assert "disk=ssd" in labelled
    assert "b gets no new containers" in drained
    log = machines.products["a"].log
    eventually(lambda: "the host b does not belong to the installation any more" in log.read_text())
    eventually(lambda: "does not accept this host" in machines.products["b"].log.read_text())
