"""All settings: name, type, default and description. Each is set by the environment variable ``READING_ROOM_<NAME>``.

``docs/reference/settings.md`` is generated from here; a test fails if it is out of date.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from reading_room.installation import (
    COUNT,
    FIRST,
    SERVICE,
    Installation,
    UserIds,
    default_state,
    free_ids,
    installation,
    is_own_service,
    recorded_ids,
)
from reading_room.setting_values import check, convert, kind_variable, values_by_kind


def _setting(
    default: Any,
    sentence: str,
    *,
    within: tuple[float, float] | None = None,
    pattern: str = "",
    public_network: bool = False,
    by_kind: bool = False,
) -> Any:
    """Return a setting. One ``by_kind`` is a variable for each kind of work, and a mapping of those that are set."""
    metadata: dict[str, Any] = {"help": sentence, "within": within, "pattern": pattern}
    metadata |= {"public_network": public_network, "by_kind": by_kind}
    return field(default_factory=dict, metadata=metadata) if by_kind else field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a running product. Frozen: a change requires a restart."""

    data: Path = _setting(Path("~/.local/share/reading-room"), "Folder for the database, the objects and the keys.")
    database: str = _setting(
        "",
        "PostgreSQL instead of SQLite, `postgresql+psycopg://USER@HOST/DATABASE`. The URL has no password: "
        "`?passfile=/PATH` names a file with it (docs/operations/postgresql.md). By default the database is a file in "
        "the data folder.",
    )
    state: Path = _setting(
        Path("~/.local/state/reading-room"),
        "Folder for the files of the privileged processes, outside the data folder: the lock, the agent's socket, "
        "the records of containers. Root's default is `/var/lib/reading-room-state`.",
    )
    agent: str = _setting(
        "",
        "Socket of this host's agent, for a `serve` beside the one that started it; by default the data folder's own.",
        pattern=r"|/.+",
    )
    objects: str = _setting(
        "",
        "Where the bytes of larger objects are: by default in the data folder, for one `serve` alone; `files:/PATH` is "
        "a folder that several `serve` processes with one database share; `s3://BUCKET` or `s3://BUCKET/PREFIX` is a "
        "bucket of another S3 service.",
        pattern=r"|files:/.+|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()/-]{0,400})?",
    )
    objects_endpoint: str = _setting(
        "",
        "Address of the S3 service of `READING_ROOM_OBJECTS`: `https://HOST`, or `http://` on loopback; by default "
        "Amazon's.",
        pattern=r"|https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?|http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?/?",
    )
    objects_region: str = _setting(
        "",
        "Region to sign with at that service; by default `READING_ROOM_REGION`.",
        pattern=r"[a-z0-9-]{0,40}",
    )
    objects_credentials: str = _setting(
        "",
        "File with the key for that service, readable only by its owner: `aws_access_key_id` and "
        "`aws_secret_access_key` in a section `[default]`.",
    )
    objects_authority: str = _setting(
        "", "File with the certificates (PEM) that the HTTPS of that service must go back to; by default public ones."
    )
    host: str = _setting("127.0.0.1", "Address that the AWS APIs listen on.")
    port: int = _setting(4566, "Port that the AWS APIs listen on; with 0, `up` chooses a free one.", within=(0, 65_535))
    console_port: int = _setting(
        4567, "Port of the web console, at the same address as the AWS APIs; 0 turns it off.", within=(0, 65_535)
    )
    metrics_port: int = _setting(
        0, "Port that serves `/metrics` to Prometheus; 0 turns it off. It needs no signature.", within=(0, 65_535)
    )
    metrics_host: str = _setting(
        "127.0.0.1",
        "Address of `/metrics`. Beyond loopback it needs the certificate of HTTPS, and an uplink that is off.",
    )
    fronts: Literal["public", "all"] = _setting(
        "public",
        "Which listen addresses have a process of their own that reads requests: those that other machines can connect "
        "to, or `all`, on loopback too, which makes each call there 0.2 to 0.4 ms slower.",
    )
    hosts_listen: str = _setting(
        "",
        "Address and port at which further hosts of this installation reach `serve`, such as `10.0.0.1:4569`; empty "
        "means that no host can join. TLS, with certificates of an authority of its own on both sides.",
        pattern=r"|([0-9.]{7,15}|\[[0-9a-fA-F:.]{2,45}\]):[0-9]{1,5}",
    )
    hosts_underlay: str = _setting(
        "",
        "IPv4 address of this machine in the underlay, the network between hosts; by default that of "
        "`READING_ROOM_HOSTS_LISTEN`. On other hosts it is an option of `reading-room host join`.",
        pattern=r"|[0-9.]{7,15}",
    )
    hosts_zone: str = _setting(
        "",
        "Availability Zone of this machine, such as `us-east-1b`, once there are other hosts; by default the first "
        "zone of the region.",
        pattern=r"|[a-z0-9-]{1,40}",
    )
    traces: str = _setting(
        "",
        "Address of a collector of OpenTelemetry traces (OTLP over HTTP), such as `http://127.0.0.1:4318`; empty means "
        "no traces. It needs the extra `traces`.",
        pattern=r"|https?://([A-Za-z0-9._-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]{0,200})?",
    )
    traces_share: float = _setting(
        1.0,
        "The part of API calls, from 0 to 1, that begin a trace. What a traced call starts is traced, too.",
        within=(0, 1),
    )
    account: str = _setting("000000000001", "The account that the first administrator belongs to.", pattern="[0-9]{12}")
    region: str = _setting("us-east-1", "The region of all resources.", pattern="[a-z]{2,4}(-[a-z]+)+-[0-9]")
    profile: Literal["open", "aws"] = _setting(
        "open", "Quotas and rates: `open` has only those that protect the machine, `aws` has AWS's own."
    )
    credentials_bound: Literal["by-profile", "on", "off"] = _setting(
        "by-profile",
        "Whether a job's credentials work only on that job's own network interfaces, unlike at AWS: "
        "`by-profile` is `on` in the profile `open`, and `off` in the profile `aws`.",
    )
    standby: int = _setting(1, "Containers started ahead per engine, engine loaded (30 to 76 MB each).", within=(0, 16))
    endpoints_memory: int = _setting(
        0, "Bytes of memory for the models of all endpoints; 0 means half of the hosts' memory.", within=(0, 1 << 50)
    )
    endpoints_idle: float = _setting(
        1800.0, "Seconds without calls after which an endpoint's model sleeps; 0 means never.", within=(0, 1 << 31)
    )
    container_memory: int = _setting(2_000_000_000, "Bytes of memory of a job's container.", within=(64 << 20, 1 << 40))
    container_processes: int = _setting(64, "Processes per container of a job.", within=(4, 10_000))
    container_cpus: float = _setting(1.0, "Cores per container of a job; for calls twice as many.", within=(0.01, 1024))
    jobs_at_once: int = _setting(4, "Jobs that run at the same time; others wait.", within=(1, 256))
    jobs_per_account: int = _setting(
        0,
        "Jobs of one account that run at the same time; 0 means as many as there are places, and one less if there is "
        "a second account.",
        within=(0, 256),
    )
    jobs_waiting_per_account: int = _setting(
        10_000, "Jobs and trainings of one account that wait for a place; 0 means any number.", within=(0, 1_000_000)
    )
    jobs_per_kind: int = _setting(
        0, "Jobs of one kind that run at the same time, in all accounts; 0 means no such limit.", within=(0, 256)
    )
    containers_at_once: int = _setting(
        0,
        "Containers of jobs at the same time; 0 means as many as the host's memory and cores allow.",
        within=(0, 4096),
    )
    core_overcommit: float = _setting(
        2.0,
        "How many containers of jobs may share each core of the host: each of them waits for storage and network "
        "part of its time.",
        within=(0.1, 64),
    )
    placement: Literal["spread", "pack", "slurm"] = _setting(
        "spread",
        "With several hosts: `spread` places a container on the host with the most room, `pack` on the one with the "
        "least. Hosts with a loaded engine for it come first. `slurm` asks Slurm for a slot for each container "
        "(docs/hosts.md).",
    )
    slurm_socket: str = _setting(
        "/run/reading-room-slurm/slurmrestd.socket",
        "Unix socket of `slurmrestd`, which runs as the user of `serve`: for `READING_ROOM_PLACEMENT=slurm`.",
        pattern=r"/[^/].{0,100}",
    )
    slurm_partition: str = _setting(
        "",
        "Partition of Slurm whose nodes are hosts of this installation; by default Slurm's own default.",
        pattern=r"[A-Za-z0-9_.-]{0,100}",
    )
    containers_per_job: int = _setting(
        0,
        "The most containers that a job gets for the size of its input; 0 means as many as the host has cores, 1 never "
        "several. The job's tag `reading-room:containers` sets another number.",
        within=(0, 16),
    )
    container_input: Mapping[str, int] = _setting(
        0,
        "Bytes of input per container for jobs of the kind {}; 0 means about half a minute of work.",
        within=(0, 5_000_000_000),
        by_kind=True,
    )
    topics: Literal["embedding", "nmf", "lda"] = _setting(
        "embedding",
        "How topics are found: `embedding` groups sentence vectors and has the best figures, `nmf` factors word "
        "counts, `lda` is what Amazon documents.",
    )
    storage_per_account: int = _setting(
        0,
        "Bytes that the objects and unfinished uploads of one account may have; 0 means three quarters of the file "
        "system that they are on, and any number in an S3 service.",
        within=(0, 1 << 60),
    )
    storage_total: int = _setting(
        0, "Bytes that the objects of all accounts may have together; 0 means no such limit.", within=(0, 1 << 60)
    )
    storage_free: int = _setting(
        1_000_000_000,
        "Bytes of the data folder's file system to keep free: with less, no object is written, no job accepted and no "
        "log event stored; 0 means no such limit.",
        within=(0, 1 << 60),
    )
    log_bytes_per_account: int = _setting(
        5_000_000_000,
        "Bytes of log events that one account may have; 0 means any number. Further events are refused until some are "
        "deleted.",
        within=(0, 1 << 50),
    )
    job_days: int = _setting(
        0,
        "Days after its end to keep the record of a job, which Describe and List show, with its story and tags; 0 is "
        "for ever. Its output, its log stream and its usage stay.",
        within=(0, 3650),
    )
    log_days: int = _setting(
        0,
        "Days to keep log events in groups without a retention policy, such as those of jobs; 0 means for ever.",
        within=(0, 3650),
    )
    lifecycle_day: int = _setting(
        86_400,
        "Seconds of a day in the lifecycle rules of buckets; with less, objects expire early, which is for tests.",
        within=(1, 86_400),
    )
    job_seconds: int = _setting(
        86_400, "Seconds after which a running job is stopped and FAILED.", within=(1, 31 * 86_400)
    )
    elastic_ip_pool: str = _setting(
        "198.51.100.0/24",
        "Network of the Elastic IP addresses. The default is reserved for documentation and not in use (RFC 5737).",
        public_network=True,
    )
    uplink: str = _setting(
        "off",
        "What VPCs reach through their internet gateways: `off` only each other's public addresses and our own "
        "services, `slirp4netns` this machine's network through that program, `veth` (root only) a device `rr-uplink` "
        "that the operator routes, `namespace:PATH` the same device in the network namespace pinned at a path.",
        pattern="off|slirp4netns|veth|namespace:/.+",
    )
    underlay: str = _setting(
        "encrypted",
        "How VPCs' packets reach other hosts (root only): `encrypted` (WireGuard), or `plain:PATH` in a network "
        "namespace pinned at a path, where who can send from a host's address forges packets of every VPC. Switch GRO "
        "off there (`ethtool -K DEVICE gro off`), or flow logs count too few packets.",
        pattern="encrypted|plain:/.+",
    )
    underlay_port: int = _setting(51_820, "UDP port of encrypted packets of other hosts.", within=(1, 65_535))
    offloads: Literal["off", "on"] = _setting(
        "off",
        "Segmentation offloads of links in VPCs that are made from now on: `on` is faster for bulk data, but flow "
        "logs then count about a sixth of the packets, because many are sent as one.",
    )
    tls: Literal["off", "own"] = _setting(
        "off",
        "Certificate for the APIs' HTTPS if none is given: `own` lets `--host` be an address beyond loopback, with one "
        "from this installation's own authority.",
    )
    tls_port: int = _setting(0, "Port of the AWS APIs with HTTPS, on loopback; 0 means none.", within=(0, 65_535))
    tls_cert: str = _setting("", "File of the certificate for HTTPS, followed by those that sign it (PEM).")
    tls_key: str = _setting("", "File of that certificate's private key (PEM), readable only by its owner.")
    tls_names: str = _setting(
        "",
        "Further names that clients use for this machine, separated by commas, even after a bucket's name. The APIs "
        "and the console answer only to known names. The certificate of the own authority has them, too.",
        pattern=r"|[A-Za-z0-9.:-]+(,[A-Za-z0-9.:-]+)*",
    )
    root_key_file: str = _setting(
        "",
        "File of the root key, which decrypts the secrets in the data folder; it is outside that folder. By "
        "default it is made once, in the folder of `READING_ROOM_STATE`.",
    )
    root_key_command: str = _setting(
        "",
        "Command that prints the root key, 64 hexadecimal digits, instead of a file. It runs as the user who starts "
        "the product, without a shell.",
    )
    service_uid: int = _setting(
        SERVICE,
        "User id that the API process drops to if root starts it. Each further installation of root's gets another "
        "one automatically, and keeps it.",
        within=(1, 2**31),
    )
    container_uid_first: int = _setting(
        FIRST,
        "First of the user ids for containers, one each. Each further installation of root's gets others "
        "automatically, and keeps them.",
        within=(1, 2**31),
    )
    container_uid_count: int = _setting(
        COUNT,
        "How many user ids there are for containers; the last one is for the process that reads their messages.",
        within=(2, 60_000),
    )
    trail_days: int = _setting(
        90, "Days to keep the trail of calls and denials; LookupEvents returns at most 90.", within=(1, 3650)
    )
    trail_bytes: int = _setting(
        20_000_000_000,
        "Bytes that each of the trail's books of authenticated callers may have on disk; the oldest days are deleted "
        "first.",
        within=(1 << 20, 1 << 50),
    )
    trail_bytes_per_account: int = _setting(
        5_000_000_000,
        "Bytes that the calls of one account may add to one of these books in a day (UTC); beyond that, its calls are "
        "refused for the rest of the day.",
        within=(1 << 20, 1 << 50),
    )
    trail_unidentified_bytes: int = _setting(
        1_000_000_000,
        "Bytes that the trail's book of unauthenticated requests may have on disk; the oldest days are deleted first.",
        within=(1 << 20, 1 << 50),
    )
    trail_head: str = _setting(
        "",
        "Where to send the digests of the trail's newest lines, to prove later that nothing was cut off: "
        "`file:/PATH`, `syslog` of this machine, `syslog://HOST` or `syslog://HOST:PORT` over UDP, or an `https://` "
        "address that accepts a POST (`http://` only on loopback).",
        pattern=r"|file:/.+|syslog|syslog://([^/:\[\]]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?|https://[^/]+.*|http://(127\.0\.0\.1|localhost|\[::1\])([:/].*)?",
    )
    trail_head_seconds: float = _setting(60.0, "Seconds between transmissions of the trail's head.", within=(1, 86_400))
    events_webhook: str = _setting(
        "",
        "URL that gets an event for each change of state of a job, model or endpoint, with POST: `https://` (`http://` "
        "only on loopback). Its host must be in `READING_ROOM_WEBHOOK_HOSTS` (docs/events.md).",
        pattern=r"|https?://[^/].*",
    )
    events_webhook_key: str = _setting(
        "", "File with the key that signs these deliveries, readable only by its owner: an id, a space, `whsec_…`."
    )
    webhook_hosts: str = _setting(
        "",
        "Hosts that web hooks may go to, separated by commas: names, and addresses or networks, which are needed for "
        "addresses that are not public.",
    )
    events_log_group: str = _setting(
        "",
        "Log group that gets these events in the account of each job, such as `/reading-room/events`; empty for none.",
        pattern=r"[.\-_/#A-Za-z0-9]{0,512}",
    )
    events_bucket: str = _setting(
        "",
        "Bucket of this installation, and prefix, that get the events of all accounts: `s3://BUCKET/PREFIX/`.",
        pattern=r"|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()/-]{0,400})?",
    )
    testing: Literal["off", "on"] = _setting(
        "off",
        "Whether the API `reading-room` creates and deletes accounts for tests, and moves the product's clock. Not for "
        "data that matter: deleting an account deletes everything in it, and a power failure may lose the last writes.",
    )
    testing_seed: str = _setting(
        "",
        "With `READING_ROOM_TESTING=on`: a text from which ids are derived, so that they are the same in every run, "
        "while the product's clock stands still at 2040-01-01T00:00:00Z until a test moves it. By default ids are "
        "random, and the clock runs.",
        pattern=r"[ -~]{0,100}",
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting("info", "The level of the logs.")
    log_format: Literal["text", "json"] = _setting("text", "Format of log lines: `text`, or `json`, an object a line.")

    @property
    def binds_credentials(self) -> bool:
        """Whether a job's credentials are valid only on that job's interfaces."""
        by_profile = self.credentials_bound == "by-profile" and self.profile == "open"
        return by_profile or self.credentials_bound == "on"

    @property
    def agent_socket(self) -> Path:
        """The socket of the agent. Raises ``OSError`` if it is that of a data folder that does not exist."""
        return Path(self.agent) if self.agent else self.installation.socket

    @property
    def objects_folder(self) -> Path | None:
        """The folder with the bytes of objects, the data folder by default; ``None`` if an S3 service has them."""
        if self.objects.startswith("s3://"):
            return None
        return Path(self.objects.removeprefix("files:")) if self.objects else self.data

    @property
    def written_folders(self) -> list[Path]:
        """The folders that ``serve`` writes to."""
        shared = self.objects_folder
        return [self.data] if shared in (None, self.data) else [self.data, shared]

    @property
    def objects_endpoint_url(self) -> str | None:
        """The address of the S3 service with the bytes of objects, or ``None``."""
        if not self.objects.startswith("s3://"):
            return None
        return self.objects_endpoint or f"https://s3.{self.objects_region or self.region}.amazonaws.com"

    @property
    def objects_port(self) -> int | None:
        """The TCP port of that service, or ``None``."""
        url = self.objects_endpoint_url
        if url is None:
            return None
        place = urlsplit(url)
        return place.port or (443 if place.scheme == "https" else 80)

    @property
    def installation(self) -> Installation:
        """The installation of the data folder. Raises ``OSError`` if there is no such folder."""
        return installation(self.data, self.state)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, **given: Any) -> Settings:
        """Read the settings; those in ``given`` (from the command line) override the environment.

        Raises ``SettingError`` naming the variable, its value and the expected values.
        """
        values: dict[str, Any] = {}
        for entry in fields(cls):
            name = f"READING_ROOM_{entry.name.upper()}"
            if given.get(entry.name) is not None:
                values[entry.name] = given[entry.name]
            elif entry.metadata["by_kind"]:
                values[entry.name] = values_by_kind(name, environment, entry.metadata)
                continue
            elif name in environment:
                values[entry.name] = convert(name, environment[name], entry.default, str(entry.type))
            if entry.name in values and not entry.metadata["by_kind"]:
                check(name, values[entry.name], entry.metadata)
        settings = cls(**values)
        data = Path(settings.data).expanduser().absolute()
        object.__setattr__(settings, "data", data)
        state = settings.state if "state" in values else default_state(data, settings.state)
        object.__setattr__(settings, "state", Path(state).expanduser().absolute())
        if os.geteuid() == 0:
            for name, user in _default_ids(settings, values).items():
                object.__setattr__(settings, name, user)
        return settings


def variables(kinds: Iterable[str]) -> dict[str, tuple[Any, str]]:
    """Return the default and the description of every setting, by its environment variable, for these kinds of work."""
    found: dict[str, tuple[Any, str]] = {}
    for entry in fields(Settings):
        sentence = entry.metadata["help"]
        if entry.metadata["by_kind"]:
            found |= {kind_variable(entry.name, kind): (0, sentence.format(f"`{kind}`")) for kind in kinds}
        else:
            found[f"READING_ROOM_{entry.name.upper()}"] = (entry.default, sentence)
    return found


def _default_ids(settings: Settings, given: Mapping[str, Any]) -> dict[str, int]:
    """Return the user ids that are not given: those of the installation, or those that a new one will get."""
    names = ("service_uid", "container_uid_first", "container_uid_count")
    place, owner = None, 0
    try:
        place, owner = settings.installation, settings.data.stat().st_uid
    except OSError:
        pass  # The folder does not exist yet.
    ids = recorded_ids(place) if place is not None else None
    if ids is None:
        if "service_uid" in given or "container_uid_first" in given:
            return {}
        ids = free_ids(settings.state, place, settings.container_uid_count)
        if ids is None:
            return {}  # The start then fails with a message about what to set.
        if is_own_service(owner):
            # The folder was restored from another machine, and its files belong to that id.
            ids = UserIds(owner, ids.first, ids.count)
    found = dict(zip(names, (ids.service, ids.first, ids.count), strict=True))
    return {name: found[name] for name in names if name not in given}
