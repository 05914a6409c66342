"""The agent's process: prove that the network can be enforced, then take turns until a signal ends it."""

from __future__ import annotations

import dataclasses
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import reading_room
from reading_room.agent.channel import AgentChannel
from reading_room.agent.errors import AgentError
from reading_room.agent.fronts import FrontProcesses, FrontUsers
from reading_room.agent.given import GivenRefused, read_given
from reading_room.agent.holder import PUBLIC_DIR, Holder, recorded
from reading_room.agent.in_force import NAME as IN_FORCE
from reading_room.agent.in_force import InForce
from reading_room.agent.lease import RECORD, LeaseKeeper
from reading_room.agent.loop import AgentLoop, Waker
from reading_room.agent.public_fronts import PublicFronts
from reading_room.agent.shortages import Shortages
from reading_room.agent.spec import ENFORCEMENT, MODELS, UnderlayAddress
from reading_room.agent.underlay_addresses import read_addresses_in
from reading_room.agent.usage import Meter
from reading_room.agent.view import make_traversable, own_filesystem, unnamed
from reading_room.agent.wireguard import WireGuardProgram, private_key, public_key
from reading_room.analysis.trained import WEIGHTS, WEIGHTS_MISSING, path_of
from reading_room.containers.bubblewrap import BubblewrapDriver
from reading_room.containers.errors import ContainerError
from reading_room.containers.limits import ControlGroups
from reading_room.containers.prepared import prepare_in_background, report_missing_weights
from reading_room.containers.processes import ProcessHandle, boot_id
from reading_room.containers.program_files import FOLDER as PROGRAMS
from reading_room.containers.program_files import forget_programs, installed_programs, keep_program
from reading_room.containers.record import Folder
from reading_room.containers.sandbox import USR, View, code_paths, make_view
from reading_room.containers.spec import Limits
from reading_room.containers.users import UserIds, container_users, inner_user_id
from reading_room.dataplane.linux.driver import LinuxNetworkDriver
from reading_room.dataplane.linux.encrypted_underlay import Encryption
from reading_room.dataplane.linux.failures import FAILURES
from reading_room.dataplane.linux.pair_proof import PairProofs
from reading_room.dataplane.linux.proof import prove as prove
from reading_room.dataplane.rules.uplink import Outside
from reading_room.dataplane.spec import Problem

_log = logging.getLogger(__name__)

HOLDER_GONE = 3
"""The exit code after the holder has ended: everything in its namespaces must be built again."""
AUTHORITY_SECONDS = 55.0
"""How long the server, which starts at the same time, may take to create its certificate authority at its first start.

On a busy machine half a minute was too little; ``up`` waits a minute in all.
"""
AUTHORITY_BYTES = 65_536
SHORTAGE_SECONDS = 1.0
"""The pause after a turn that lacked resources."""
LEASE_LOOK_SECONDS = 1.0
"""How often the lease is looked at beside the turns."""
LAST_FLOWS_SECONDS = 2.0
"""How long an ending agent waits for the server to read its last flow events."""


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """The configuration of an agent from the command that started it; the server controls none of it.

    ``runtime_dir`` is for the agent alone. ``socket_path`` is where the server connects; its folder must let that user
    in. ``allowed_uid`` is the host user id of the server, whose folder is ``data``; ``authority`` is the path in it of
    the authority that containers trust. ``uid_first`` and ``uid_count`` are the user ids for containers in the agent's
    user namespace; a range that is not mapped is not used. ``holder`` is read from ``runtime_dir`` if it is not given.
    ``public_dir`` is on the holder's private ``/run``: router namespaces are pinned there, and containers see files
    from it.
    """

    runtime_dir: Path
    socket_path: Path
    data: Path
    allowed_uid: int
    authority: str = "authority/authority.pem"
    uid_first: int = 60579
    uid_count: int = 600
    rootless: bool = False
    region: str = "us-east-1"
    standby_limits: Limits = field(default_factory=Limits)
    """Limits of containers started ahead, which are those of jobs."""
    holder: Holder | None = None
    public_dir: Path = PUBLIC_DIR
    outside: Outside | None = None
    """What VPCs reach through their internet gateways."""
    beyond: Path | None = None
    """The network namespace that a veth pair to the outside leads to."""
    underlay: Path | None = None
    """The network namespace that carries the packets between hosts."""
    encrypted: bool = True
    """Whether these packets are encrypted. If not, the firewall rules of that namespace belong to the agent."""
    tunnel_port: int = 51_820
    """The UDP port of encrypted packets of other hosts."""
    segmentation: bool = False
    """Whether links keep their segmentation offloads, which makes packet counts inexact."""
    measured: bool = False
    """Whether reports have what the agent measures for the metrics."""
    leave: bool = False
    """Whether SIGTERM leaves containers and networks for the next agent. Containers then have control groups beside the
    holder's, so that they survive the end of the agent's group."""


def run(config: AgentConfig) -> int:
    """Run the agent until SIGTERM, or until its holder ends; return the exit code.

    SIGTERM ends every container, including running jobs, and removes the networks, unless the configuration says to
    leave both for the next agent. An agent that dies in another way leaves both too.
    """
    waker = Waker()
    told_to_end: list[int] = []

    def end(number: int, _: object) -> None:
        told_to_end.append(number)
        waker.wake()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        return _run(config, waker, told_to_end)
    except (AgentError, ContainerError, OSError) as error:
        _log.error("the agent ends: %s", error)
        return 1


def _run(config: AgentConfig, waker: Waker, told_to_end: Sequence[int]) -> int:
    held = config.holder or recorded(config.runtime_dir)
    holder = None
    if held is not None:
        holder = ProcessHandle.open(held.pid, held.start_time)
        if holder is None:
            return HOLDER_GONE
    authority = _authority(config, told_to_end)
    if authority is None:
        return 0
    _open_view(config)
    config.public_dir.mkdir(parents=True, exist_ok=True)
    config.public_dir.chmod(0o755)
    view = _view(config, authority)
    report_missing_weights()
    users = container_users(config.uid_first, config.uid_count)
    state = config.runtime_dir / "containers"
    containers = BubblewrapDriver(
        state=state,
        view=view,
        users=users,
        region=config.region,
        standby_limits=config.standby_limits,
        groups=_control_groups(config, held),
    )
    containers.adopt()
    used = {name for folder in Folder.all(state) for name in folder.read_programs()}
    forget_programs(config.runtime_dir / PROGRAMS, {*view.programs, *used})
    front_users = FrontUsers(users)
    public_fronts = PublicFronts(config.socket_path.parent, *_peer(config), front_users)
    public_fronts.start()
    channel = AgentChannel(config.socket_path, *_peer(config), waker.wake)
    # Before the proof, which takes a while: the lease of the last agent goes on.
    lease = LeaseKeeper(config.runtime_dir / RECORD, boot_id())
    threading.Thread(target=_renew_lease, args=(lease, channel), name="agent-lease", daemon=True).start()
    encryption = _encryption(config, users)
    network, enforcement = _enforced(config, encryption)
    fronts = FrontProcesses(front_users)
    meter = Meter(containers.living, network.drops if network is not None else dict) if config.measured else None
    # Containers see what is installed now, so this stays true until the next agent.
    lacking = (Problem(MODELS, WEIGHTS_MISSING),) if path_of(WEIGHTS) is None else ()
    key = "" if encryption is None else public_key(config.runtime_dir)
    loop = AgentLoop(
        network,
        containers,
        channel,
        fronts,
        enforcement,
        lacking,
        meter=meter,
        lease=lease,
        short=Shortages.of(config.runtime_dir),
        tunnel_key=key,
        tunnel_port=config.tunnel_port if key else 0,
        underlay=partial(_plain_underlay, config),
        prepare=partial(prepare_in_background, view.models),
        in_force=InForce(config.socket_path.with_name(IN_FORCE)),
    )
    watched = [holder.pidfd] if holder is not None else []
    # What was loaded lives as long as the process: the collector need not look at it again and again.
    gc.freeze()
    try:
        while not told_to_end:
            if not take_turn(loop):
                # A process that has ended stays readable, and would begin the next turn at once.
                waker.wait(watched, SHORTAGE_SECONDS)
                continue
            ended = [*watched, *containers.process_descriptors(), *fronts.descriptors()]
            ready = waker.wait(ended, loop.seconds_to_next_turn())
            if ready & set(watched):
                _log.error("the holder of the namespaces is gone: ending, because everything must be built again")
                containers.end_all()
                return HOLDER_GONE
        if not config.leave:
            containers.end_all()
            loop.in_force.end()
            for problem in network.remove_everything() if network is not None else ():
                _log.warning("%s could not be removed: %s", problem.about, problem.message)
        if network is not None:
            channel.send_flows(network.flows(), network.flows_told())
            channel.drain(LAST_FLOWS_SECONDS)
        return 0
    finally:
        channel.close()
        public_fronts.close()
        fronts.close()
        if network is not None:
            network.close()


def _control_groups(config: AgentConfig, held: Holder | None) -> ControlGroups:
    """Return where containers get control groups: beside the holder's if they must outlive the agent."""
    if config.leave and held is not None:
        return ControlGroups.probe(membership=Path(f"/proc/{held.pid}/cgroup"))
    return ControlGroups.probe()


def _renew_lease(lease: LeaseKeeper, channel: AgentChannel) -> None:
    while True:
        time.sleep(LEASE_LOOK_SECONDS)
        if lease.shares() and channel.connected():
            request = lease.renew(channel.take_leases())
            if request is not None:
                channel.ask_for_lease(request)


def take_turn(loop: AgentLoop) -> bool:
    """Take a turn; return false if the machine lacked something for it, so that it must be tried again."""
    try:
        loop.turn()
    except Exception as error:
        if not loop.lacked(error):
            raise
        _log.error("a turn lacked resources and will be retried: %s", error)
        return False
    return True


def _encryption(config: AgentConfig, users: UserIds | None) -> Encryption | None:
    """Return how packets to other hosts are encrypted; ``None`` if they are not, or if none can be sent."""
    if config.underlay is None or not config.encrypted:
        return None
    program = WireGuardProgram(config.runtime_dir, None if users is None else users.tunnels)
    return Encryption(config.underlay, private_key(config.runtime_dir), program, config.runtime_dir)


def _plain_underlay(config: AgentConfig) -> tuple[UnderlayAddress, ...]:
    """Return the addresses in the namespace of an underlay without encryption; none if there is no such namespace."""
    if config.underlay is None or config.encrypted:
        return ()
    try:
        found = read_addresses_in(config.underlay)
    except OSError as error:
        _log.error("the underlay %s cannot be read: %s", config.underlay, error)
        return ()
    return tuple(UnderlayAddress(address, mtu) for address, mtu in sorted(found.items()))


def _enforced(
    config: AgentConfig, encryption: Encryption | None
) -> tuple[LinuxNetworkDriver | None, tuple[Problem, ...]]:
    """Prove enforcement with a scratch VPC; without proof, return a problem to report, and nothing will run."""
    proof = prove(config.public_dir)
    for line in proof.lines:
        _log.log(logging.INFO if proof.passed else logging.ERROR, "enforcement: %s", line)
    problems = () if proof.passed else (Problem(ENFORCEMENT, f"not proven, so no job runs: {proof.lines[-1]}"),)
    try:
        underlay = encryption or config.underlay
        driver = LinuxNetworkDriver(
            *(config.public_dir, config.outside, config.beyond),
            underlay=underlay,
            pairs=None if underlay is None else PairProofs(),
            segmentation=config.segmentation,
        )
        return driver, problems
    except FAILURES as error:
        _log.error("the network driver does not start: %s", error)
        return None, (*problems, Problem(ENFORCEMENT, str(error)))


def _authority(config: AgentConfig, told_to_end: Sequence[int]) -> str | None:
    owner = _peer(config)[0]
    end = time.monotonic() + AUTHORITY_SECONDS
    while not told_to_end:
        try:
            return read_given(config.data, config.authority, owner, AUTHORITY_BYTES).decode("ascii")
        except UnicodeDecodeError:
            raise GivenRefused(config.data / config.authority, "it is not a certificate") from None
        except FileNotFoundError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
    return None


def _view(config: AgentConfig, authority: str) -> View:
    """Return the files that containers see, at places that reveal nothing about this machine's disk."""
    folder = config.public_dir / "view"
    own_filesystem(folder)
    # Only containers that outlive this agent are worth the space of copies.
    copies = {
        path: keep_program(config.runtime_dir / PROGRAMS, path, linking_only=not config.leave)
        for path in installed_programs()
    }
    contents = {path: copy for path, copy in copies.items() if copy is not None}
    sources = unnamed((USR, *code_paths()), config.public_dir / "code", contents)
    programs = tuple(copy.name for copy in contents.values())
    return dataclasses.replace(make_view(folder, authority), sources=sources, programs=programs)


def _open_view(config: AgentConfig) -> None:
    # The agent's own code stays visible, because modules are still imported later.
    package = Path(next(iter(reading_room.__path__)))
    make_traversable(
        [*code_paths(), package],
        # The server owns the files in the data folder, which may be links: only the folder itself is named.
        keep=[config.runtime_dir, config.socket_path.parent, config.data],
    )


def _peer(config: AgentConfig) -> tuple[int, int | None]:
    """Return the server's user id in this namespace, and the user id that must own the socket, if another."""
    inner = inner_user_id(config.allowed_uid)
    if inner is None:
        raise AgentError(f"the server's user id {config.allowed_uid} is not mapped into the agent's user namespace")
    return inner, (inner if inner != os.geteuid() else None)
