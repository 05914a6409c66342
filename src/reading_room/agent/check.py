"""The checks of a document from the server before any of it is applied.

The server is not trusted, because it answers requests from the network. Its documents contain only values, and each
value must have the form and size of its kind. A document that breaks one rule is refused as a whole, and the message
names the rule and the place. The network driver checks again what it compiles.
"""

from __future__ import annotations

import re

from reading_room.agent.network_check import CONTAINER, HOST, check_network
from reading_room.agent.spec import HostSpec
from reading_room.agent.values import address, at_most, between, matches, once, refuse, shown
from reading_room.analysis.job_file import ClusterPlace, JobFile, Location
from reading_room.analysis.kind import EngineName, Kind
from reading_room.analysis.kinds import WORK_KINDS
from reading_room.containers.spec import ContainerSpec, Limits
from reading_room.dataplane.spec import Interface
from reading_room.trace_context import FORM

NAME_SERVERS, SEARCH_DOMAINS = 4, 32
CONTAINERS, STANDBYS, REALTIMES = 1_000, 64, 64
REQUEST_BYTES = 200_000
CLUSTER_CONTAINERS, CLUSTER_SPARES = 16, 2
"""The most containers that an attempt of a job begins with, and that may be added for lost ones."""

_CREDENTIALS = re.compile(r"/v2/credentials/[0-9A-Za-z_-]{16,128}\Z")
_CLUSTER = re.compile(r"/v2/cluster/[0-9A-Za-z_-]{16,128}\Z")
_JOB = re.compile(r"[0-9a-f]{32}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2}\Z")
_LANGUAGE = re.compile(r"[a-z]{2}(?:-[A-Z]{2})?\Z")
_ACCOUNT = re.compile(r"[0-9]{12}\Z")
_MODEL = re.compile(r"(?:[0-9a-f]{32})?\Z")
_TRACEPARENT = re.compile(FORM + r"\Z")
_DOMAIN = re.compile(r"[0-9A-Za-z_.-]{1,253}\Z")
_BUCKET = re.compile(r"[0-9a-z][0-9a-z.-]{1,61}[0-9a-z]\Z")


def check(spec: HostSpec, host: str, newest: int) -> None:
    """Raise ``SpecRefused`` unless the document is for ``host``, not older than ``newest``, and of the right form."""
    matches(HOST, spec.host, "host")
    if spec.host != host:
        refuse("host", f"{spec.host} is not this host, {host}")
    if spec.generation < newest:
        refuse("generation", f"{spec.generation} is older than {newest}, which is in force")
    between(spec.generation, 0, 1 << 53, "generation")
    between(spec.epoch, 0, 1 << 53, "epoch")
    check_network(spec.network)
    _check_containers(spec)


def _check_containers(spec: HostSpec) -> None:
    at_most(spec.containers, CONTAINERS, "containers")
    at_most(spec.standby, STANDBYS, "engines")
    at_most(spec.realtime, REALTIMES, "realtime containers")
    interfaces = {each.interface_id: (vpc.vpc_id, each) for vpc in spec.network.vpcs for each in vpc.interfaces}
    owners = [each.container_id for _, each in interfaces.values() if each.container_id is not None]
    once(owners, "container behind an interface")
    for container in spec.containers:
        _check_container(container, interfaces)
    once(
        [*(each.container_id for each in spec.containers), *(each.container_id for each in spec.realtime)], "container"
    )
    once((each.credentials_path for each in spec.containers), "credentials path")
    clusters = [each.job.cluster for each in spec.containers if each.job.cluster is not None]
    once((each.path for each in clusters), "cluster path")
    once((each.engine for each in spec.standby), "engine")
    for standby in spec.standby:
        between(standby.count, 0, STANDBYS, f"containers ahead of {standby.engine}")
    for realtime in spec.realtime:
        matches(CONTAINER, realtime.container_id, "realtime container")
        matches(_ACCOUNT, realtime.account, f"{realtime.container_id}: account")
        matches(_MODEL, realtime.model, f"{realtime.container_id}: model")


def _check_container(container: ContainerSpec, interfaces: dict[str, tuple[str, Interface]]) -> None:
    matches(CONTAINER, container.container_id, "container")
    about = f"container {container.container_id}"
    vpc_id, interface = interfaces.get(container.interface_id, ("", None))
    if interface is None or vpc_id != container.vpc_id:
        refuse(about, f"its interface {shown(container.interface_id)} is not in {shown(container.vpc_id)}")
    if interface.container_id != container.container_id:
        refuse(about, f"its interface {container.interface_id} belongs to another")
    matches(_CREDENTIALS, container.credentials_path, f"{about}: credentials path")
    at_most(container.name_servers, NAME_SERVERS, f"{about}: name servers")
    at_most(container.search_domains, SEARCH_DOMAINS, f"{about}: search domains")
    for server in container.name_servers:
        address(server, f"{about}: name server")
    for domain in container.search_domains:
        matches(_DOMAIN, domain, f"{about}: search domain")
    if not serves(container.engine, container.job.kind):
        refuse(about, f"{container.job.kind} is not what engine {container.engine} does")
    _check_limits(container.limits, about)
    _check_job(container.job, about)
    if container.job.cluster is not None:
        _check_cluster(container.job.cluster, interface, about)


def serves(engine: EngineName, kind: Kind) -> bool:
    """Return whether an engine does jobs of a kind."""
    return any(entry.name == engine for entry in WORK_KINDS[kind].loads)


def _check_limits(limits: Limits, about: str) -> None:
    between(limits.memory_bytes, 64 << 20, 1 << 40, f"{about}: bytes of memory")
    between(limits.processes, 4, 10_000, f"{about}: processes")
    between(limits.seconds, 1, 31 * 86_400, f"{about}: seconds")
    if not 0.01 <= limits.cpus <= 1024:
        refuse(about, f"{limits.cpus} is not a number of processors")


def _check_job(job: JobFile, about: str) -> None:
    matches(_JOB, job.job_id, f"{about}: job")
    between(job.attempt, 0, 1_000, f"{about}: attempt")
    matches(_REGION, job.region, f"{about}: region")
    if job.language is not None:
        matches(_LANGUAGE, job.language, f"{about}: language")
    _check_location(job.input, f"{about}: input")
    _check_location(job.output, f"{about}: output")
    between(job.document_limit, 1, 1 << 30, f"{about}: bytes of a document")
    between(job.total_limit, 1, 1 << 50, f"{about}: bytes of all documents")
    between(job.documents_limit, 1, 1 << 40, f"{about}: documents")
    between(job.part_bytes, 1, 1 << 40, f"{about}: bytes of a part")
    between(len(job.request), 2, REQUEST_BYTES, f"{about}: characters of the request")
    if job.traceparent:
        matches(_TRACEPARENT, job.traceparent, f"{about}: trace context")
    if job.model is not None:
        _check_location(job.model.artifact, f"{about}: model")
        matches(_CREDENTIALS, job.model.credentials_path, f"{about}: credentials path of the model")
        if job.model.sha256:
            matches(_SHA256, job.model.sha256, f"{about}: digest of the model")


def _check_cluster(place: ClusterPlace, interface: Interface, about: str) -> None:
    between(place.containers, 1, CLUSTER_CONTAINERS, f"{about}: containers of its attempt")
    between(place.member, 0, CLUSTER_CONTAINERS + CLUSTER_SPARES - 1, f"{about}: number among them")
    address(place.scheduler, f"{about}: scheduler")
    if place.address != interface.address:
        refuse(about, f"{shown(place.address)} is not the address of its interface, {interface.address}")
    if (place.scheduler == place.address) != (place.member == 0):
        refuse(about, f"the scheduler at {place.scheduler} is the first container's, and no other's")
    matches(_CLUSTER, place.path, f"{about}: cluster path")


def _check_location(location: Location, about: str) -> None:
    matches(_BUCKET, location.bucket, f"{about}: bucket")
    try:
        size = len(location.key.encode())
    except UnicodeEncodeError:
        refuse(about, "the key is not Unicode text")
    if size > 1_024:
        refuse(about, f"a key of {size} bytes is longer than S3 allows")
