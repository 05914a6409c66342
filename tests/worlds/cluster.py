"""A place whose jobs run in several containers: how tests start them, and observe members, parts and packets.

The containers of a job are numbered; member 0 has the scheduler. Parts are small here, so that short inputs have many.
"""

from __future__ import annotations

import os
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest

from reading_room.cli import reading
from reading_room.containers.processes import descendants, start_time
from tests.worlds.place import Place
from tests.worlds.processes import frozen, slowed, worker_below
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

TAG = "reading-room:containers"
SCHEDULER_PORT, WORKER_PORT = 8786, 8787
CLUSTER_PORTS = (8786, 8788)
"""The ports that a group must open to itself, unless it opens everything."""
SMALL_PARTS = {
    "CONTAINER_INPUT_ENTITIES": "16000",
    "CONTAINER_INPUT_KEY_PHRASES": "16000",
    "CONTAINER_INPUT_SENTIMENT": "16000",
    "CONTAINER_INPUT_TARGETED_SENTIMENT": "16000",
    "CONTAINER_INPUT_DOMINANT_LANGUAGE": "100000",
    "CONTAINER_INPUT_PII": "16000",
    "CORE_OVERCOMMIT": "16",
}
"""Settings with which parts take a moment (half a container's input), and a small machine runs all containers that a
job's tag asks for."""
TEXT = "Marie Curie was born in Warsaw and moved to Paris to study physics at the Sorbonne in {}. "
PATIENCE = 180.0
"""How many seconds a busy machine may take for what an idle one does in five."""
WIDE: Literal["wide"] = "wide"
LIMITED: Literal["limited"] = "limited"


@dataclass(frozen=True, slots=True)
class Member:
    """One container of a job's present attempt; its worker and address are set once it runs."""

    number: int
    container_id: str
    interface_id: str
    address: str
    worker: int
    """The working process, as the host numbers it."""
    cluster_path: str


def long(*values: object) -> list[Any]:
    """Mark cases that take long and resemble the others: they belong to ``make chaos``."""
    return [pytest.param(value, marks=pytest.mark.chaos) for value in values]


class Hall(Place):
    """A place whose group allows traffic among its members, as jobs of several containers need."""

    def __init__(
        self,
        product: Product,
        cidr: str = "10.0.0.0/16",
        rule: Literal["wide", "limited"] | None = WIDE,
        account: reading.Account | None = None,
    ) -> None:
        super().__init__(product, cidr, account)
        self.log_flows()
        if rule is not None:
            self.open_to_itself(rule)

    # The rule

    def rule(self, form: Literal["wide", "limited"], group: str | None = None) -> Any:
        """Return the permissions of a group for itself: everything, or the ports that a cluster uses."""
        peer = {"UserIdGroupPairs": [{"GroupId": group or self.network.group}]}
        if form == WIDE:
            return [{"IpProtocol": "-1", **peer}]
        first, last = CLUSTER_PORTS
        return [{"IpProtocol": "tcp", "FromPort": first, "ToPort": last, **peer}]

    def open_to_itself(self, form: Literal["wide", "limited"] = WIDE) -> None:
        """Let the group's members reach each other."""
        permissions = self.rule(form)
        self.ec2.authorize_security_group_ingress(GroupId=self.network.group, IpPermissions=permissions)
        self.ec2.authorize_security_group_egress(GroupId=self.network.group, IpPermissions=permissions)

    def shut_to_itself(self, form: Literal["wide", "limited"] = WIDE) -> None:
        """Revoke that."""
        permissions = self.rule(form)
        self.ec2.revoke_security_group_ingress(GroupId=self.network.group, IpPermissions=permissions)
        self.ec2.revoke_security_group_egress(GroupId=self.network.group, IpPermissions=permissions)

    def paste(self, message: str) -> int:
        """Do what the AWS commands in a message would do; return how many there were."""
        commands = re.findall(r"`aws ec2 (authorize-security-group-\w+) ([^`]+)`", message)
        for operation, rest in commands:
            words = shlex.split(rest)
            options = {name.removeprefix("--"): value for name, value in zip(words[::2], words[1::2], strict=True)}
            call = getattr(self.ec2, operation.replace("-", "_"))
            call(GroupId=options["group-id"], IpPermissions=[_permission(options)])
        return len(commands)

    # Jobs

    def write(self, prefix: str, documents: int, files: int = 1, sentences: int = 2) -> int:
        """Store documents, one per line and all different, spread over files. Return the bytes."""
        each = -(-documents // files)
        total = 0
        for number in range(files):
            lines = [
                TEXT.format(1000 + n) * sentences for n in range(number * each, min((number + 1) * each, documents))
            ]
            body = "\n".join(lines).encode() + b"\n"
            self.account.s3.put_object(Bucket=self.bucket, Key=f"{prefix}{number:03}.txt", Body=body)
            total += len(body)
        return total

    def start_many(self, prefix: str, containers: int, kind: str = "entities", **more: Any) -> str:
        """Start a job of a kind in this many containers."""
        tags = [{"Key": TAG, "Value": str(containers)}, *more.pop("Tags", [])]
        return self.start(prefix, kind, Tags=tags, **more)

    def run_many(self, prefix: str, containers: int, kind: str = "entities", **more: Any) -> dict[str, Any]:
        """Run a job of a kind in this many containers to its end."""
        return self.wait(self.start_many(prefix, containers, kind, **more))

    def completed(self, properties: Mapping[str, Any]) -> bytes:
        """Assert that a job completed; return the bytes of its archive."""
        assert properties["JobStatus"] == "COMPLETED", self.description(properties)
        return self.archive_of(properties)

    def archives(self, prefix: str, *containers: int, kind: str = "entities", **more: Any) -> list[bytes]:
        """Run jobs over one prefix side by side, in these numbers of containers; return the result of each."""
        jobs = [self.start_many(prefix, each, kind, **more) for each in containers]
        found = []
        for job, each in zip(jobs, containers, strict=True):
            found.append(self.completed(self.wait(job)))
            assert len(self.interfaces_told(job)) == each, self.story(job)
        return found

    def stop_all(self) -> None:
        """Stop every entities job that still runs, so that a failed test does not disturb the next one."""
        self.product.await_answer()
        comprehend = self.account.comprehend
        for properties in comprehend.list_entities_detection_jobs()["EntitiesDetectionJobPropertiesList"]:
            if properties["JobStatus"] not in reading.OVER:
                comprehend.stop_entities_detection_job(JobId=properties["JobId"])
                self.wait(properties["JobId"])

    def wait_for_model(self, arn: str, seconds: float = 200) -> dict[str, Any]:
        """Wait for the end of a classifier's training; return the model's properties."""
        self.product.await_answer()
        comprehend = self.account.comprehend

        def over() -> dict[str, Any] | None:
            shown: Any = comprehend.describe_document_classifier(DocumentClassifierArn=arn)
            properties = dict(shown["DocumentClassifierProperties"])
            return properties if properties["Status"] not in ("SUBMITTED", "TRAINING", "STOP_REQUESTED") else None

        found = eventually(over, seconds, f"the end of the training of {arn}")
        assert found is not None
        return found

    def artifact_sha256(self, job: str) -> str:
        """Return the digest of the model that a training made, as the service saw the object."""
        with self.product.database() as database:
            query = "SELECT artifact_sha256 FROM jobs WHERE job_id = ?"
            return str(database.execute(query, (job,)).fetchone()[0])

    def archive_of(self, properties: Mapping[str, Any]) -> bytes:
        """Return the bytes of a job's archive."""
        return reading.archive_bytes(self.account, properties)

    def description(self, properties: Mapping[str, Any]) -> str:
        """Return everything known about a job, for a failed assertion."""
        return f"{properties}\n{self.story(properties['JobId'])}\n{self.product.tail(60)}"

    # Members and parts

    def members(self, job: str) -> dict[int, Member]:
        """Return the running members of a job by their numbers."""
        with self.product.database() as database:
            rows = database.execute(
                "SELECT c.member, c.container_id, c.interface_id, c.cluster_path, i.address FROM job_containers c"
                " JOIN network_interfaces i ON i.interface_id = c.interface_id WHERE c.job_id = ? AND c.wanted",
                (job,),
            ).fetchall()
        records = {record.container_id: record for record in self.product.records().values() if record is not None}
        found: dict[int, Member] = {}
        for number, container_id, interface_id, path, address in rows:
            record = records.get(container_id)
            if record is None or record.phase != "running" or start_time(record.pid) is None:
                continue
            if (worker := worker_below(record.pid)) is not None:
                found[number] = Member(number, container_id, interface_id, address, worker, path or "")
        return found

    def together(self, job: str, containers: int, seconds: float = PATIENCE) -> dict[int, Member]:
        """Wait until this many members work on a job, all connected with the scheduler; return them.

        The first one is frozen until then, because it hands out the work, which might be done before the last one has
        joined.
        """

        def scheduling() -> Member | None:
            self._still_goes_on(job)
            found = self.members(job)
            first = found[min(found)] if found else None
            return first if first and (first.address, SCHEDULER_PORT) in listeners(first.worker) else None

        first = eventually(scheduling, seconds, f"the scheduler of {job}", passing=True)
        assert first is not None
        place = (first.address, SCHEDULER_PORT)

        def connected() -> dict[int, Member] | None:
            self._still_goes_on(job)
            found = self.members(job)
            joined = [each for each in found.values() if place in connections(each.worker) and each.address != place[0]]
            return found if len(joined) == containers - 1 else None

        with frozen(first.worker):
            members = eventually(connected, seconds, f"{containers} containers of {job} at work together")
        assert members is not None
        return members

    @contextmanager
    def at_work(
        self, prefix: str, containers: int = 2, parts: int = 2, **more: Any
    ) -> Iterator[tuple[str, dict[int, Member]]]:
        """Start a job in this many containers, and hold it with some parts done, but not all; then let it continue.

        Its workers are frozen for the length of the block, its scheduler is not. If a job was too fast to be held,
        another one is started.
        """
        while True:
            job = self.start_many(prefix, containers, **more)
            members = self.together(job, containers)
            eventually(partial(self._has_done, parts, job), PATIENCE, f"{parts} parts of {job}", passing=True)
            with frozen(*(member.worker for member in members.values())):
                done, of = self.parts(job)
                if parts <= done < of:
                    yield job, members
                    return
            self.completed(self.wait(job))

    @contextmanager
    def slowly(self, prefix: str, containers: int) -> Iterator[dict[int, Member]]:
        """Let a job work slowly in this many containers for the length of the block. Afterwards it is stopped."""
        job = self.start_many(prefix, containers)
        members = self.together(job, containers)
        try:
            with slowed(*(member.worker for member in members.values())):
                yield members
        finally:
            self.stop(job)
        self.wait(job)

    def _has_done(self, parts: int, job: str) -> bool:
        return self.over(job) or self.parts(job)[0] >= parts

    def _still_goes_on(self, job: str) -> None:
        assert not self.over(job), f"{job} is {self.phase(job)}:\n{self.story(job)}\n{self.product.tail()}"

    def scheduler(self, member: Member) -> int:
        """Return the process of a job's scheduler: the child of the first member's worker that listens."""
        for pid in descendants(member.worker):
            if (member.address, SCHEDULER_PORT) in listeners(pid, own=True):
                return pid
        raise AssertionError(f"no process below {member.worker} listens on {SCHEDULER_PORT}")

    def parts(self, job: str) -> tuple[int, int]:
        """Return how many parts of a job are done, and how many there are."""
        with self.product.database() as database:
            rows = database.execute("SELECT state FROM job_parts WHERE job_id = ?", (job,)).fetchall()
        return sum(state == "done" for (state,) in rows), len(rows)

    def finished_keys(self, job: str) -> set[str]:
        """Return the keys of the objects that the finished parts of a job refer to."""
        with self.product.database() as database:
            query = "SELECT key FROM job_parts WHERE job_id = ? AND state = 'done'"
            return {key for (key,) in database.execute(query, (job,))}

    def attempt_of_parts(self, job: str) -> int:
        """Return which attempt of a job registered its plan last, or 0 if none did."""
        with self.product.database() as database:
            row = database.execute("SELECT attempt FROM job_plans WHERE job_id = ?", (job,)).fetchone()
        return int(row[0]) if row else 0

    def lines(self, properties: Mapping[str, Any]) -> list[tuple[str, int]]:
        """Return file and line of each result of a job, in the archive's order."""
        found = reading.results(self.account, dict(properties))
        return [(line["File"], line["Line"]) for line in found]

    def interfaces_told(self, job: str) -> set[str]:
        """Return every interface that a job ever had, according to its story."""
        return set(re.findall(r"\beni-[0-9a-f]{17}\b", self.story(job)))

    def addresses_told(self, job: str) -> dict[str, str]:
        """Return the address of every interface that a job ever had, by its id, according to its story."""
        return dict(re.findall(r"\b(eni-[0-9a-f]{17}) (?:ready )?in \S+ at ([0-9.]+[0-9])", self.story(job)))

    def hosts_told(self, job: str) -> set[str]:
        """Return every host on which a job had a container, according to its story; none if there is one host only."""
        return set(re.findall(r"\bon host ([\w-]+)", self.story(job)))

    def attempts(self, job: str) -> int:
        """Return how many attempts a job took."""
        with self.product.database() as database:
            return int(database.execute("SELECT attempt FROM jobs WHERE job_id = ?", (job,)).fetchone()[0])

    # What must not stay

    def temporary_objects(self) -> list[str]:
        """Return the keys of objects and uploads of parts that are in the bucket."""
        s3 = self.account.s3
        kept: list[Any] = [*s3.list_objects_v2(Bucket=self.bucket, Prefix="results/").get("Contents", [])]
        kept += s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])
        return [each["Key"] for each in kept if "/output/parts/" in each["Key"]]

    def left(self) -> dict[str, Any]:
        """Return what exists and should not when no job runs: of the product, and of parts."""
        return self.leftovers() | {"objects of parts": self.temporary_objects()}

    def records(self, *interfaces: str) -> list[list[str]]:
        """Return the fields of the flow records of these interfaces, or of the whole VPC if none is given."""
        fields = [line.split() for line in self.flow_lines() if line.endswith(" OK")]
        return [each for each in fields if not interfaces or each[2] in interfaces]

    def flow_lines(self) -> list[str]:
        """Return the lines of the VPC's flow logs as they were delivered."""
        logs, lines = self.account.logs, list[str]()
        try:
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=self.flows):
                lines += [event["message"] for event in page["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []  # The group is made with its first record.
        return lines

    def flows_between(self, addresses: Mapping[str, str]) -> dict[tuple[str, ...], tuple[int, int]]:
        """Return, for each connection between two interfaces, the packets that left one and that arrived at the other.

        ``addresses`` maps the id of every interface that existed to its address. A connection is its source,
        destination, ports and protocol, in one direction. Arrived packets count whether they were accepted or not.
        """
        sent: Counter[tuple[str, ...]] = Counter()
        came: Counter[tuple[str, ...]] = Counter()
        for each in self.records():
            ends, own, packets = tuple(each[3:8]), addresses.get(each[2]), int(each[8])
            if own == ends[0]:
                sent[ends] += packets if each[12] == "ACCEPT" else 0
            elif own == ends[1]:
                came[ends] += packets
        inside = set(addresses.values())
        both = [ends for ends in sent | came if ends[0] in inside and ends[1] in inside]
        return {ends: (sent[ends], came[ends]) for ends in both}

    def unequal_flows(self, addresses: Mapping[str, str]) -> dict[tuple[str, ...], tuple[int, int]]:
        """Return the connections whose two records differ: what leaves one interface must arrive at the other."""
        return {ends: two for ends, two in self.flows_between(addresses).items() if two[0] != two[1]}


def _permission(options: Mapping[str, str]) -> Any:
    """Return the rule for these options of the AWS command line."""
    if "ip-permissions" in options:
        found = dict(re.findall(r"(IpProtocol|FromPort|ToPort|GroupId)=([\w-]+)", options["ip-permissions"]))
        peer = {"UserIdGroupPairs": [{"GroupId": found["GroupId"]}]}
        ports = {"FromPort": int(found["FromPort"]), "ToPort": int(found["ToPort"])}
        return {"IpProtocol": found["IpProtocol"], **ports, **peer}
    first, _, last = options["port"].partition("-")
    peer = {"UserIdGroupPairs": [{"GroupId": options["source-group"]}]}
    return {"IpProtocol": options["protocol"], "FromPort": int(first), "ToPort": int(last or first), **peer}


# What processes have open, as the kernel tells

_LISTEN, _ESTABLISHED = "0A", "01"


def _sockets(pid: int, state: str) -> Iterable[tuple[tuple[str, int], tuple[str, int], str]]:
    """Yield both ends and the inode of the TCP sockets in a process's network namespace."""
    for name in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
        except OSError:
            return  # The process has ended meanwhile.
        for line in lines:
            fields = line.split()
            if fields[3] == state:
                yield _end(fields[1]), _end(fields[2]), fields[9]


def _end(text: str) -> tuple[str, int]:
    address, _, port = text.partition(":")
    words = [bytes.fromhex(address[start : start + 8])[::-1] for start in range(0, len(address), 8)]
    if len(words) == 1:
        return ".".join(str(byte) for byte in words[0]), int(port, 16)
    return ":".join(word.hex() for word in words), int(port, 16)


def listeners(pid: int, own: bool = False) -> set[tuple[str, int]]:
    """Return the addresses and ports with listeners in a process's network namespace, or of the process alone."""
    inodes = _inodes(pid) if own else None
    return {local for local, _, inode in _sockets(pid, _LISTEN) if inodes is None or inode in inodes}


def listeners_on_host(product: Product) -> set[tuple[str, int]]:
    """Return the listeners of a product's processes outside its networks, without those of others on this machine."""
    inodes = set[str]().union(*(_inodes(pid) for pid in product.processes()))
    return {local for local, _, inode in _sockets(os.getpid(), _LISTEN) if inode in inodes}


def connections(pid: int) -> set[tuple[str, int]]:
    """Return the far ends of the connections in a process's network namespace."""
    return {remote for _, remote, _ in _sockets(pid, _ESTABLISHED)}


def _inodes(pid: int) -> set[str]:
    found = set()
    try:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = str(link.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                found.add(target[8:-1])
    except OSError:
        pass  # The process has ended meanwhile.
    return found
