"""Jobs of all kinds, faults at random moments, and checks of the result. The same seed gives the same plan.

The seed decides which jobs are started, which faults occur, where, and after which pauses. The exact moment of a fault,
and so its effect, depends on the machine.
"""

from __future__ import annotations

import hashlib
import logging
import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from reading_room.cli import reading
from reading_room.containers.processes import ProcessHandle
from reading_room.jobs.job import ATTEMPTS
from reading_room.trail.chain import BOOKS, FOLDER, verify
from tests.worlds.cluster import TAG, Hall, Member
from tests.worlds.pressure import PRESSURES
from tests.worlds.product import Product
from tests.worlds.waiting import eventually, settled

log = logging.getLogger(__name__)

DETECTION = ("entities", "key-phrases", "sentiment", "targeted-sentiment", "dominant-language")
KINDS = (*DETECTION, "topics", "classifier-training")
DOCUMENTS = {
    "entities": 1500,
    "key-phrases": 1000,
    "sentiment": 400,
    "targeted-sentiment": 200,
    "dominant-language": 20_000,
    "topics": 400,
    "classifier-training": 600,
}
"""Some seconds of work each."""
TINY = "tiny"
"""Jobs of one document, many of which are started at once."""
TINY_AT_ONCE = 20
AT_ONCE = 3
"""How many started jobs may be running at once while faults occur."""
CHECK_EVERY = 5
"""After so many faults, the jobs that have ended are judged, and what they leave is looked at, while others run."""
RECORDED_SECONDS = 90.0
"""After so long, the flow records of a job that has ended are delivered: they are due when their minute is over."""
NETWORK_CODES = ("NO_ROUTE_TO_STORAGE", "CONTAINERS_CANNOT_CONNECT")
"""The codes with which a job may fail while its network is being changed."""
FULL = ("the disk is full", "the disk of the service is full")
"""In the message of a job that failed because of that: of the trail's, or of the store's."""
WORN_OUT = "after three attempts"


@dataclass(frozen=True, slots=True)
class Asked:
    """A job that was acknowledged."""

    kind: str
    containers: int
    troubled: bool
    """Whether faults change its network."""
    job: str
    arn: str = ""
    """For a training: the model's ARN."""


@dataclass
class Tally:
    """The results of a mix."""

    seed: int
    faults: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    checks: int = 0
    """How often everything was checked that can be while jobs run."""
    flows: int = 0
    """Connections between two containers with equal flow records on both sides."""

    def line(self) -> str:
        """Return the line for bench/RESULTS.md."""
        faults, jobs, ends = (_counted(each) for each in (self.faults, self.jobs, self.ends))
        return (
            f"seed {self.seed}: {self.faults.total()} faults ({faults}) on {self.jobs.total()} jobs ({jobs}) in "
            f"{self.seconds / 60:.0f} min: {ends}; {self.flows} connections recorded alike at both ends; nothing left, "
            f"also at {self.checks} checks in between"
        )


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


class Mix:
    """One product and two networks: in one only processes die, and the other is also changed itself."""

    def __init__(
        self, product: Product, seed: int, kinds: tuple[str, ...] = KINDS, longest_freeze: float = 6.0
    ) -> None:
        self.product = product
        self.kinds = kinds
        self.tally = Tally(seed)
        self._random = random.Random(seed)
        self._longest_freeze = longest_freeze
        number = 1 + seed % 40
        self.steady = Hall(product, f"10.{60 + number}.0.0/16")
        self.troubled = Hall(product, f"10.{110 + number}.0.0/16")
        self._asked: list[Asked] = []
        self._judged: dict[str, float] = {}
        """When each job was judged, by job."""
        self._unrecorded: set[str] = set()
        """The jobs that were judged, and whose flow records were not looked at yet."""
        self._wanted: dict[str, str] = {}
        self._addresses: dict[str, str] = {}
        self._frozen: list[threading.Thread] = []
        self._faults: dict[str, Callable[[], bool]] = {
            "member": self._kill_member,
            "first": self._kill_first,
            "scheduler": self._kill_scheduler,
            "worker started ahead": self._kill_standby,
            "serve": lambda: self._kill("serve"),
            "agent": lambda: self._kill("agent"),
            "holder": lambda: self._kill("holder"),
            "up": lambda: self._kill("up"),
            "stand still": self._stand_still,
            "rule": self._change_rule,
            "endpoint": self._remove_endpoint,
            "many tiny jobs": self._ask_for_tiny_jobs,
            **{name: partial(self._press, name) for name in PRESSURES},
        }
        self._weights = {"member": 5, "scheduler": 2, "first": 2, "serve": 3, "agent": 3, "stand still": 3, "rule": 2}

    # The undisturbed run

    def prepare(self) -> None:
        """Store the inputs, and run each kind once, undisturbed and in one container."""
        for hall in (self.steady, self.troubled):
            for kind in self.kinds:
                self._write(hall, kind)
        self.steady.write(f"{TINY}/", 1)
        submitted = [self._ask(kind, 1, troubled=False) for kind in (*self.kinds, TINY)]
        for each in submitted:
            self._end_of(each, 300)
            digest = self._digest(each)
            assert digest is not None, f"the undisturbed {each.kind} failed:\n{self.steady.story(each.job)}"
            self._wanted[each.kind] = digest
        self._asked.clear()

    def _write(self, hall: Hall, kind: str) -> None:
        if kind == "classifier-training":
            texts = {"billing": "The invoice {} is wrong.", "delivery": "My parcel {} has not arrived."}
            rows = (
                f'{label},"{text.format(n)}"\n' for n in range(DOCUMENTS[kind] // 2) for label, text in texts.items()
            )
            hall.put_text(f"{kind}/rows.csv", "".join(rows))
        else:
            hall.write(f"{kind}/", DOCUMENTS[kind], files=2)

    # Asking for jobs

    def _ask(self, kind: str, containers: int, troubled: bool) -> Asked:
        hall = self.troubled if troubled else self.steady
        if kind == "classifier-training":
            name = f"model-{self.tally.seed}-{len(self._asked)}-{self._random.randrange(10**9)}"
            network: Any = hall.network.config()
            arn = hall.product.account().comprehend.create_document_classifier(
                DocumentClassifierName=name,
                LanguageCode="en",
                DataAccessRoleArn=hall.role,
                InputDataConfig={"S3Uri": f"s3://{hall.bucket}/{kind}/rows.csv"},
                VpcConfig=network,
                Tags=[{"Key": TAG, "Value": str(containers)}],
            )["DocumentClassifierArn"]
            submitted = Asked(kind, containers, troubled, hall.training(arn), arn)
        else:
            more: dict[str, Any] = {"NumberOfTopics": 4} if kind == "topics" else {}
            analysis = "dominant-language" if kind == TINY else kind
            submitted = Asked(kind, containers, troubled, hall.start_many(f"{kind}/", containers, analysis, **more))
        self._asked.append(submitted)
        return submitted

    def _ask_at_random(self) -> None:
        kind = self._random.choice(self.kinds)
        containers = self._random.choice((1, 2, 2, 3))
        troubled = self._random.random() < 0.3
        try:
            submitted = self._ask(kind, containers, troubled)
        except (BotoCoreError, ClientError):
            return  # Not acknowledged, because the server was restarting.
        self.tally.jobs[f"{submitted.kind} in {submitted.containers}"] += 1

    def _ask_for_tiny_jobs(self) -> bool:
        self.product.await_answer()
        for _ in range(TINY_AT_ONCE):
            try:
                self._ask(TINY, 1, troubled=False)
            except (BotoCoreError, ClientError):
                continue
            self.tally.jobs[TINY] += 1
        return True

    def _alive(self) -> list[Asked]:
        return [each for each in self._asked if not self.steady.over(each.job)]

    # Faults

    def run(self, faults: int, seconds: float) -> Tally:
        """Start jobs and cause this many faults; then wait for every job, and check the results."""
        began = time.monotonic()
        while self.tally.faults.total() < faults:
            assert time.monotonic() - began < seconds, f"only {self.tally.line()}"
            for _ in range(AT_ONCE - sum(each.kind != TINY for each in self._alive())):
                self._ask_at_random()
            time.sleep(self._random.uniform(0.0, 2.0))
            name = self._random.choices(tuple(self._faults), [self._weights.get(n, 1) for n in self._faults])[0]
            self._note_addresses()
            if self._faults[name]():
                self.tally.faults[name] += 1
                log.info("fault %d: %s", self.tally.faults.total(), name)
                if self.tally.faults.total() % CHECK_EVERY == 0:
                    self._check_ended()
        for thread in self._frozen:
            thread.join()
        self.product.await_answer()
        for each in self._asked:
            if each.job not in self._judged:
                self._judge(each)
        self._insist_on_nothing_left()
        self.tally.seconds = time.monotonic() - began
        return self.tally

    def _members(self) -> list[tuple[Asked, Member]]:
        """Return every container at work, in an order in which the seed's numbers always mean the same."""
        return [(each, member) for each in self._alive() for _, member in sorted(self.steady.members(each.job).items())]

    def _kill_one(self, members: list[Member]) -> bool:
        if not members:
            return False
        self.product.kill_processes([self._random.choice(members).worker])
        return True

    def _kill_member(self) -> bool:
        return self._kill_one([member for _, member in self._members() if member.number])

    def _kill_first(self) -> bool:
        return self._kill_one([member for _, member in self._members() if not member.number])

    def _kill_scheduler(self) -> bool:
        firsts = [member for submitted, member in self._members() if submitted.containers > 1 and not member.number]
        if not firsts:
            return False
        try:
            self.product.kill_processes([self.steady.scheduler(self._random.choice(firsts))])
        except AssertionError:
            return False  # Not started yet, or over.
        return True

    def _kill_standby(self) -> bool:
        at_work = {member.worker for _, member in self._members()}
        waiting = [worker for worker in self.product.workers() if worker not in at_work]
        if not waiting:
            return False
        self.product.kill_processes([self._random.choice(waiting)])
        return True

    def _kill(self, which: str) -> bool:
        self.product.kill(which)
        return True

    def _stand_still(self) -> bool:
        members = [member for _, member in self._members()]
        if not members:
            return False
        seconds = self._random.uniform(1.0, self._longest_freeze)
        handle = ProcessHandle.open(self._random.choice(members).worker)
        if handle is None:
            return False

        def freeze() -> None:
            with closing(handle):
                handle.signal(signal.SIGSTOP)
                try:
                    time.sleep(seconds)
                finally:
                    handle.signal(signal.SIGCONT)

        thread = threading.Thread(target=freeze)
        thread.start()
        self._frozen.append(thread)
        return True

    def _press(self, name: str) -> bool:
        """Put the product under pressure for some time, with everything else going on."""
        self.product.await_answer()
        with PRESSURES[name](self.product):
            time.sleep(self._random.uniform(1.0, self._longest_freeze))
        return True

    def _change_rule(self) -> bool:
        pause = self._random.uniform(0.0, 3.0)
        with self._answered():
            self.troubled.shut_to_itself()
        time.sleep(pause)
        with self._answered():
            self.troubled.open_to_itself()
        return True

    def _remove_endpoint(self) -> bool:
        hall, pause = self.troubled, self._random.uniform(0.0, 3.0)
        with self._answered():
            hall.ec2.delete_vpc_endpoints(VpcEndpointIds=[str(hall.network.endpoint)])
        time.sleep(pause)
        with self._answered():
            endpoint = reading.add_endpoint(self.product.account(), hall.network.vpc, hall.network.route_table)
        hall.network = reading.Network(
            hall.network.vpc, hall.network.subnets, hall.network.route_table, hall.network.group, endpoint
        )
        return True

    @contextmanager
    def _answered(self) -> Iterator[None]:
        """Wait for a product that answers, since there may just have been a kill."""
        self.product.await_answer()
        yield

    def _note_addresses(self) -> None:
        with self.product.database() as database:
            query = (
                "SELECT i.interface_id, i.address FROM network_interfaces i"
                " JOIN job_containers c ON c.interface_id = i.interface_id"
            )
            self._addresses |= dict(database.execute(query).fetchall())

    # What must hold

    def _end_of(self, submitted: Asked, seconds: float = 300) -> str:
        hall = self.steady
        eventually(lambda: hall.over(submitted.job), seconds, f"the end of {submitted}:\n{hall.story(submitted.job)}")
        return hall.phase(submitted.job).upper()

    def _judge(self, submitted: Asked) -> None:
        """Assert that a job has the undisturbed bytes, or failed for a reason that the faults caused."""
        status = self._end_of(submitted)
        # Some interfaces existed only between two faults.
        self._addresses |= self.steady.addresses_told(submitted.job)
        story = f"{submitted}\n{self.steady.story(submitted.job)}"
        if status == "COMPLETED":
            assert self._digest(submitted) == self._wanted[submitted.kind], f"other bytes: {story}"
            attempts = self.steady.attempts(submitted.job)
            self.tally.ends["completed" if attempts == 1 else f"completed in {attempts} attempts"] += 1
            return
        with self.product.database() as database:
            query = "SELECT failure_code, failure_text, attempt FROM jobs WHERE job_id = ?"
            code, text, attempt = database.execute(query, (submitted.job,)).fetchone()
        assert status == "FAILED", story
        assert text, story
        if submitted.troubled and code in NETWORK_CODES:
            self.tally.ends[f"failed with {code} in the changed network"] += 1
            return
        if any(words in text for words in FULL):
            self.tally.ends["failed because the disk was full"] += 1
            return
        assert attempt == ATTEMPTS, story
        self.tally.ends[f"failed {WORN_OUT}"] += 1

    def _check_ended(self) -> None:
        """Assert what must hold while other jobs run: for the jobs that have ended, and for the trail."""
        self.product.await_answer()
        ended = [each for each in self._asked if each.job not in self._judged and self.steady.over(each.job)]
        for each in ended:
            self._judge(each)
            self._judged[each.job] = time.monotonic()
            self._unrecorded.add(each.job)
        settled(partial(self._left_of, [each.job for each in ended]), 60)
        for book in BOOKS:
            verify(self.product.data / FOLDER, book)
        due = {job for job in self._unrecorded if time.monotonic() - self._judged[job] > RECORDED_SECONDS}
        if due:
            known = {interface: at for job in due for interface, at in self.steady.addresses_told(job).items()}
            for hall in (self.steady, self.troubled):
                settled(partial(_unequal, hall, known))
            self._unrecorded -= due
        self.tally.checks += 1

    def _left_of(self, jobs: Sequence[str]) -> dict[str, Any]:
        """Return what exists of jobs that have ended, and should not."""
        tables = ("job_containers", "job_parts", "job_plans", "job_cluster_authorities")
        with self.product.database() as database:
            found: dict[str, Any] = {
                f"rows of {table}": [
                    job
                    for job in jobs
                    if database.execute(f"SELECT count(*) FROM {table} WHERE job_id = ?", (job,)).fetchone()[0]
                ]
                for table in tables
            }
            descriptions = [row[0] for row in database.execute("SELECT description FROM network_interfaces")]
        found["interfaces"] = [text for text in descriptions if any(job in text for job in jobs)]
        parts = [*self.steady.temporary_objects(), *self.troubled.temporary_objects()]
        found["objects of parts"] = [key for key in parts if any(job in key for job in jobs)]
        return found

    def _digest(self, submitted: Asked) -> str | None:
        """Return the digest of a job's result, or ``None`` if it has none."""
        if self.steady.phase(submitted.job) != "completed":
            return None
        if submitted.arn:
            return self.steady.artifact_sha256(submitted.job)
        properties = reading.find_job(self.product.account(), submitted.job)
        assert properties is not None
        return hashlib.sha256(self.steady.archive_of(properties)).hexdigest()

    def _insist_on_nothing_left(self) -> None:
        for each in self._asked:
            if each.arn:
                _delete_model(self.product, each.arn)
        settled(self._left, 60)
        for book in BOOKS:
            verify(self.product.data / FOLDER, book)
        halls = (self.steady, self.troubled)
        settled(self._named_by_rules)
        for hall in halls:
            own = {each["NetworkInterfaceId"] for each in _interfaces(hall)}
            assert own == set(), f"interfaces that stayed in {hall.network.vpc}: {own}"
            settled(partial(_unequal, hall, self._addresses))
            self.tally.flows += len(hall.flows_between(self._addresses))

    def _named_by_rules(self) -> Mapping[str, Any]:
        """Return the lines of the routers' rules that still contain the address of a job."""
        found = self.product.inside("for n in /run/reading-room/netns/*; do nsenter --net=$n nft list ruleset; done")
        had = re.compile(r"(?<![\d.])(" + "|".join(map(re.escape, self._addresses.values())) + r")(?![\d./])")
        return {f"rule {number}": line.strip() for number, line in enumerate(found.splitlines()) if had.search(line)}

    def _left(self) -> Mapping[str, Any]:
        return self.steady.left() | {"objects of parts, in the changed network": self.troubled.temporary_objects()}


def _interfaces(hall: Hall) -> list[dict[str, Any]]:
    found = hall.product.account().ec2.describe_network_interfaces(
        Filters=[{"Name": "vpc-id", "Values": [hall.network.vpc]}]
    )
    return [dict(each) for each in found["NetworkInterfaces"]]


def _unequal(hall: Hall, addresses: Mapping[str, str]) -> dict[str, Any]:
    return {" ".join(ends): two for ends, two in hall.unequal_flows(addresses).items()}


def _delete_model(product: Product, arn: str) -> None:
    comprehend = product.await_answer().comprehend
    try:
        comprehend.delete_document_classifier(DocumentClassifierArn=arn)
    except comprehend.exceptions.ResourceNotFoundException:
        return  # A training that failed left none.
