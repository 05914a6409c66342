"""Jobs on three hosts, faults of hosts and between them at random moments, and checks of the result.

The seed decides which jobs are started, which faults occur, where, for how long, and after which pauses. The exact
moment of a fault, and so its effect, depends on the machine.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import random
import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from reading_room.cli import reading
from reading_room.dataplane.spec import LAST_VNI
from reading_room.fleet.host_leases import LEASE_SECONDS
from reading_room.jobs.job import ATTEMPTS
from reading_room.trail.chain import BOOKS, FOLDER, verify
from tests.worlds.cluster import Hall
from tests.worlds.machines import ADDRESSES, PLAIN, PORT, Machines
from tests.worlds.product import Product
from tests.worlds.two_servers import TwoServers
from tests.worlds.underlay_watch import ICMP, SERVE, TUNNEL, WIREGUARD, ZEROS, Ends, Watch
from tests.worlds.waiting import eventually, settled

log = logging.getLogger(__name__)

DOCUMENTS = {"entities": 300, "dominant-language": 3000}
"""Some seconds of work each."""
AT_ONCE = 2
"""How many jobs may run at once."""
MOST_TOGETHER = 4
"""After how many faults at most everything is healed and checked."""
LONGEST = 18.0
"""For how many seconds a fault lasts at most: longer than a lease, with the time until a host is taken for lost."""
SETTLE_SECONDS = 300
"""How long a busy machine may take until a host works again, and until nothing is left."""
TICK = 0.1
"""How much later than told the kernel may end what has a time, in seconds."""
LOCAL = "local"
"""What the host of ``serve`` is called, which is machine ``a``."""
CUTS = ("from everybody", "from other hosts", "from serve", "one way", "the other way", "in part")


@dataclass(frozen=True, slots=True)
class Asked:
    """A job that was acknowledged."""

    kind: str
    containers: int
    place: str
    job: str


@dataclass
class Tally:
    """The results of a mix."""

    seed: int
    underlay: str
    faults: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    packets: Counter[str] = field(default_factory=Counter)
    checks: int = 0
    """How often everything was healed and checked."""
    seconds: float = 0.0
    flows: int = 0
    """Flow records, none of which was delivered twice."""

    def line(self) -> str:
        """Return the line for bench/RESULTS.md."""
        faults, jobs, ends, packets = (_counted(each) for each in (self.faults, self.jobs, self.ends, self.packets))
        return (
            f"seed {self.seed}, {self.underlay}: {self.faults.total()} faults ({faults}) on {self.jobs.total()} jobs "
            f"({jobs}) in {self.seconds / 60:.0f} min, with {self.checks} checks: {ends}; {self.flows} flow records, "
            f"none twice; packets between hosts: {packets}, none of another kind; nothing left"
        )


def _utc(stored: str | dt.datetime) -> dt.datetime:
    """Return a time of the database, which SQLite has as a text without a zone."""
    return dt.datetime.fromisoformat(stored).replace(tzinfo=dt.UTC) if isinstance(stored, str) else stored


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


class HostMix:
    """Three machines, and three VPCs with equal networks: one for all hosts, one for ``a``, and one for the others."""

    def __init__(self, machines: Machines, seed: int, plain: bool = False, two: TwoServers | None = None) -> None:
        """``two`` are the ``serve`` processes, if there are two. The second one has a machine of its own."""
        self.machines = machines
        self._two = two
        self.product = machines.products["a"]
        self.tally = Tally(seed, "without encryption" if plain else "encrypted" if two is None else "two serve")
        self._random = random.Random(seed)
        self._halls = {place: Hall(self.product) for place in ("everywhere", "near", "far")}
        self._vnis = {self._vni(hall): place for place, hall in self._halls.items()}
        addresses = {
            port: [PLAIN[name] if port.startswith("second") else ADDRESSES[name]]
            for name in (*machines.products, *([] if two is None else [two.machine]))
            for port in machines.ports(name)
        }
        self._permitted = (SERVE, ICMP, ZEROS, TUNNEL if plain else WIREGUARD)
        self.watch = Watch(machines.switch, addresses, Ends(PORT))
        self._asked: list[Asked] = []
        self._wanted: dict[str, str] = {}
        self._places: dict[str, set[str]] = {place: set() for place in self._halls}
        """The hosts on which jobs in each VPC ever had a container."""
        self._addresses: dict[str, dict[str, str]] = {place: {} for place in self._halls}
        """The address of every interface that a job ever had, by VPC. All VPCs have the same ones."""
        self._down: set[str] = set()
        """The machines of which a process is stopped or missing."""
        self._cuts: dict[str, list[str]] = {}
        """The rules of the bridge, by the machine that they cut off."""
        self._heals: list[tuple[float, str, Callable[[], None]]] = []
        self._faults: dict[str, Callable[[str], bool]] = {
            "kill host": self._kill_host,
            "pause host": self._pause_host,
            "pause agent": lambda name: self._pause(name, "agent"),
            "pause link": lambda name: self._pause(name, "link"),
            "kill serve": lambda _: self._kill("a", "serve"),
            "kill agent": lambda name: self._kill(name, "agent"),
            "kill link": lambda name: name != "a" and self._kill(name, "link"),
            **{f"cut off {kind}": partial(self._cut, kind=kind) for kind in CUTS},
        }
        if two is not None:
            self._faults["kill serve for good"] = lambda _: self._kill_for_good(two)
        self._weights = {"kill host": 3, "pause host": 3, "pause agent": 2, "kill serve for good": 4}

    def _vni(self, hall: Hall) -> int:
        with self.product.database() as database:
            query = "SELECT vni FROM vpcs WHERE vpc_id = ?"
            return int(database.execute(query, (hall.network.vpc,)).fetchone()[0])

    # The undisturbed run

    def prepare(self) -> None:
        """Store the inputs, and run each kind once, undisturbed and in one container."""
        for hall in self._halls.values():
            for kind, documents in DOCUMENTS.items():
                hall.write(f"{kind}/", documents, files=2)
        hall = self._halls["everywhere"]
        for kind in DOCUMENTS:
            properties = hall.wait(hall.start_many(f"{kind}/", 1, kind))
            self._wanted[kind] = hashlib.sha256(hall.completed(properties)).hexdigest()
        self._insist_on_a_watch()

    def _insist_on_a_watch(self) -> None:
        """Assert that what should not be on the wire would be seen."""
        self._insist_on_the_wire()
        with self.machines.entered("c"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"a secret", (ADDRESSES["b"], 51_820))
        (found,) = eventually(lambda: self.watch.strange(self._permitted), what="the packet")
        assert found.port == "to-c"
        self.watch.forget(found)

    def _insist_on_the_wire(self) -> None:
        """Assert that hosts have sent only what they may send."""
        strange = self.watch.strange(self._permitted)
        assert not strange, f"on the wire: {strange}"
        assert self.watch.lost() == 0, "the listener was too slow"

    # Asking for jobs

    def _ask_at_random(self) -> None:
        kind, place = self._random.choice(tuple(DOCUMENTS)), self._random.choice(("everywhere", *self._halls))
        containers, hall = self._random.choice((1, 2, 3)), self._halls[place]
        subnets = list(hall.network.subnets)
        chosen = {"near": subnets[:1], "far": subnets[1:]}.get(place, subnets)
        config = {"SecurityGroupIds": [hall.network.group], "Subnets": chosen}
        try:
            job = hall.start_many(f"{kind}/", containers, kind, VpcConfig=config)
        except (BotoCoreError, ClientError):
            return  # Not acknowledged, because the server was restarting.
        self._asked.append(Asked(kind, containers, place, job))
        self.tally.jobs[f"{kind} in {containers}"] += 1

    def _ask(self) -> None:
        """Start jobs up to the number that may run at once, if somebody can answer."""
        if "a" in self._down:
            return
        self.product.await_answer(SETTLE_SECONDS)
        for _ in range(AT_ONCE - sum(not self._halls[each.place].over(each.job) for each in self._asked)):
            self._ask_at_random()

    # Faults

    def run(self, faults: int, seconds: float) -> Tally:
        """Cause this many faults while jobs run; heal and check everything after every few of them."""
        began = time.monotonic()
        while self.tally.faults.total() < faults:
            assert time.monotonic() - began < seconds, f"only {self.tally.line()}"
            for _ in range(min(self._random.randint(1, MOST_TOGETHER), faults - self.tally.faults.total())):
                self._ask()
                self._rest(self._random.uniform(0.0, 5.0))
                self._fail()
                self._insist_on_the_wire()
            self._check()
            self.tally.seconds = time.monotonic() - began
        return self.tally

    def _fail(self) -> None:
        """Cause a fault, at a machine where it can occur now."""
        while True:
            name = self._random.choices(tuple(self._faults), [self._weights.get(n, 1) for n in self._faults])[0]
            machine = self._random.choice(tuple(self.machines.products))
            if self._faults[name](machine):
                break
            self._rest(0.1)
        self.tally.faults[name] += 1
        log.info("fault %d: %s, %s", self.tally.faults.total(), name, machine)

    def _rest(self, seconds: float) -> None:
        """Wait, and heal what is due meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            due = min((at for at, _, _ in self._heals), default=until)
            time.sleep(max(0.0, min(left, due - time.monotonic())))
            self._heal(time.monotonic())

    def _later(self, what: str, heal: Callable[[], None]) -> None:
        self._heals.append((time.monotonic() + self._random.uniform(0.0, LONGEST), what, heal))

    def _heal(self, until: float = float("inf")) -> None:
        for each in sorted(self._heals, key=lambda heal: heal[0]):
            at, what, heal = each
            if at <= until:
                self._heals.remove(each)
                heal()
                log.info("healed: %s", what)

    def _kill_host(self, name: str) -> bool:
        if name in self._down:
            return False
        self._down.add(name)
        self.machines.kill(name)

        def start() -> None:
            self.machines.launch(name)
            self._down.discard(name)

        self._later(f"killed {name}", start)
        return True

    def _pause_host(self, name: str) -> bool:
        if name in self._down:
            return False
        self._down.add(name)
        stopped = self.machines.pause(name)
        self._resume_later(name, stopped)
        return True

    def _pause(self, name: str, role: str) -> bool:
        """Stop the process that keeps the lease of a host: its agent, or the link to ``serve``."""
        stopped = None if name in self._down else self._process(name, role)
        if stopped is None:
            return False
        self._down.add(name)
        self.machines.stop([stopped])
        silent_from = time.time() + LEASE_SECONDS + TICK

        def insist_on_silence() -> None:
            last = self.watch.last(f"plain-{name}", TUNNEL)
            assert last < silent_from, f"{name} sent {last - silent_from:.3f} s after the end of its lease"

        self._resume_later(name, [stopped], insist_on_silence)
        return True

    def _resume_later(self, name: str, stopped: list[int], insist: Callable[[], None] = lambda: None) -> None:
        def go_on() -> None:
            insist()
            self.machines.resume(stopped)
            self._down.discard(name)

        self._later(f"paused {name}", go_on)

    def _kill(self, name: str, role: str) -> bool:
        process = None if name in self._down else self._process(name, role)
        if process is None:
            return False
        self.machines.products[name].kill_processes([process])
        return True

    def _kill_for_good(self, two: TwoServers) -> bool:
        """Kill the ``serve`` of the first host, which stays away while the other one leads."""
        if "a" in self._down or self._process("a", "serve") is None:
            return False
        self._down.add("a")
        two.kill_first()

        def start() -> None:
            two.resume_first()
            self._down.discard("a")

        self._later("killed serve", start)
        return True

    def _process(self, name: str, role: str) -> int | None:
        """Return the process of a role, or ``None`` if it is just being restarted."""
        product = self.machines.products[name]
        assert product.up is not None
        assert product.up.poll() is None, product.tail()
        return product.running_child(role)

    def _cut(self, name: str, kind: str) -> bool:
        """Let the bridge drop packets from or to a machine."""
        if name in self._cuts or (kind == "from serve" and name == "a"):
            return False
        here = ", ".join(f'"{port}"' for port in self.machines.ports(name))
        server = ", ".join(f'"{port}"' for port in self.machines.ports("a"))
        others = [
            f'"{port}"'
            for other in self.machines.products
            if other not in (name, "a")
            for port in self.machines.ports(other)
        ]
        among = ", ".join(others)
        share = self._random.randint(10, 40)
        self._cuts[name] = {
            "from everybody": [f"iifname {{ {here} }} drop", f"oifname {{ {here} }} drop"],
            "from other hosts": [
                f"iifname {{ {here} }} oifname {{ {among} }} drop",
                f"iifname {{ {among} }} oifname {{ {here} }} drop",
            ],
            "from serve": [
                f"iifname {{ {here} }} oifname {{ {server} }} ip protocol tcp drop",
                f"iifname {{ {server} }} oifname {{ {here} }} ip protocol tcp drop",
            ],
            "one way": [f"iifname {{ {here} }} drop"],
            "the other way": [f"oifname {{ {here} }} drop"],
            "in part": [f"iifname {{ {here} }} numgen random mod 100 < {share} drop"],
        }[kind]
        self._put_rules()

        def join_again() -> None:
            del self._cuts[name]
            self._put_rules()

        self._later(f"cut off {name}", join_again)
        return True

    def _put_rules(self) -> None:
        rules = "\n".join(rule for rules in self._cuts.values() for rule in rules)
        chain = f"chain forward {{\ntype filter hook forward priority 0\n{rules}\n}}\n"
        table = f"table bridge faults {{ }}\ndelete table bridge faults\ntable bridge faults {{\n{chain}}}\n"
        self.machines.on_switch("nft -f -", table)

    # What must hold

    def _check(self) -> None:
        """Heal everything, wait for every job, and check all results and all hosts."""
        self._heal()
        self.product.await_answer(SETTLE_SECONDS)
        for each in self._asked:
            self._judge(each)
        eventually(self._all_leased, SETTLE_SECONDS, "leases of all hosts")
        self._insist_on_nothing_left()
        self._insist_on_known_packets()
        self._asked.clear()
        self.tally.checks += 1

    def _all_leased(self) -> bool:
        with self.product.database() as database:
            rows = database.execute("SELECT lease_until FROM hosts").fetchall()
        return all(until is not None and _utc(until) > dt.datetime.now(dt.UTC) for (until,) in rows)

    def _judge(self, asked: Asked) -> None:
        """Assert that a job has the undisturbed bytes, or lost its containers three times."""
        hall = self._halls[asked.place]
        eventually(lambda: hall.over(asked.job), 300, f"the end of {asked}:\n{hall.story(asked.job)}")
        story = hall.story(asked.job)
        self._places[asked.place] |= hall.hosts_told(asked.job)
        self._addresses[asked.place] |= hall.addresses_told(asked.job)
        if hall.phase(asked.job) == "completed":
            properties = reading.find_job(self.product.account(), asked.job)
            assert properties is not None
            digest = hashlib.sha256(hall.archive_of(properties)).hexdigest()
            assert digest == self._wanted[asked.kind], f"other bytes: {asked}\n{story}"
            attempts = hall.attempts(asked.job)
            self.tally.ends["completed" if attempts == 1 else f"completed in {attempts} attempts"] += 1
            return
        assert hall.phase(asked.job) == "failed", f"{asked}\n{story}"
        assert hall.attempts(asked.job) == ATTEMPTS, f"{asked}\n{story}"
        self.tally.ends["failed after three attempts"] += 1

    def _insist_on_nothing_left(self) -> None:
        settled(self._left, SETTLE_SECONDS)
        for data in (self.product.data, *([] if self._two is None else [self._two.data])):
            for book in BOOKS:
                verify(data / FOLDER, book)
        for hall in self._halls.values():
            assert hall.interfaces() == []
        settled(self._wrong_records, SETTLE_SECONDS)

    def _left(self) -> Mapping[str, Any]:
        left = self._halls["everywhere"].left()
        for place in ("near", "far"):
            left |= {f"objects of parts, {place}": self._halls[place].temporary_objects()}
        for name, product in self.machines.products.items():
            left |= {f"rules, on {name}": self._rules_with_addresses(product)}
        return left

    def _rules_with_addresses(self, product: Product) -> list[str]:
        """Return the lines of a host's rules that still contain the address of a job."""
        addresses = {address for of_place in self._addresses.values() for address in of_place.values()}
        if not addresses:
            return []
        found = product.inside("for n in /run/reading-room/netns/*; do nsenter --net=$n nft list ruleset; done")
        had = re.compile(r"(?<![\d.])(" + "|".join(map(re.escape, addresses)) + r")(?![\d./])")
        return [line.strip() for line in found.splitlines() if had.search(line)]

    def _wrong_records(self) -> dict[str, Any]:
        """Return flow records that were delivered twice, and packets that arrived although nobody sent them."""
        wrong: dict[str, Any] = {}
        self.tally.flows = 0
        for place, hall in self._halls.items():
            lines = Counter(line for line in hall.flow_lines() if line.endswith((" OK", " SKIPDATA")))
            wrong[f"records twice, {place}"] = [line for line, count in lines.items() if count > 1]
            had = self._addresses[place]
            # An address may have been given again, and records have no other name of the interface at the other end.
            skipped = {had.get(line.split()[2]) for line in lines if line.endswith(" SKIPDATA")}
            known = {interface: address for interface, address in had.items() if address not in skipped}
            wrong[f"from nowhere, {place}"] = {
                ends: two for ends, two in hall.flows_between(known).items() if two[1] > two[0]
            }
            self.tally.flows += lines.total()
        return wrong

    def _insist_on_known_packets(self) -> None:
        """Assert that the wire had only what it may have, and each VNI only between hosts of its VPC."""
        self._insist_on_the_wire()
        hosts = {PLAIN[name]: LOCAL if name == "a" else name for name in self.machines.products}
        self.tally.packets.clear()
        for kind, count in self.watch.seen().items():
            self.tally.packets[kind.what] += count
            if kind.what == TUNNEL and kind.vni != LAST_VNI:
                ends = {hosts[kind.source], hosts[kind.destination]}
                assert ends <= self._places[self._vnis[kind.vni]], kind
