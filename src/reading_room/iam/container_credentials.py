"""The address from which a job's container fetches credentials of its data access role and for its model.

The requests with which the containers of one job coordinate come to the same address, under ``CLUSTER_PATHS``;
``cluster`` answers them.

The caller is identified by the listener (its VPC) and by the peer's address, which the router verifies (it drops
spoofed packets). The path is a second factor, an unguessable secret of the job. A request must have both.
"""

from __future__ import annotations

import datetime as dt
import hmac
import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from reading_room.arns import Arn
from reading_room.aws.call import Reply
from reading_room.aws.call_record import Gate, Recorder, forget, let_in
from reading_room.aws.errors import ServiceUnavailable
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam.errors import RoleNotAssumable
from reading_room.iam.organization import Organizations, no_organization
from reading_room.iam.role_sessions import revoke
from reading_room.iam.service_sessions import assume_recorded
from reading_room.iam.temporary_keys import SessionCredentials

logger = logging.getLogger(__name__)

RENEW_BEFORE = dt.timedelta(minutes=30)
"""Credentials that expire sooner are replaced. SDKs refresh at every use in the last 15 minutes, so it must be more."""
_LOG_EVERY = dt.timedelta(seconds=1)
CLUSTER_PATHS = "/v2/cluster/"
"""The prefix of the paths through which containers of one job coordinate."""


@dataclass(frozen=True, slots=True)
class CredentialsOwner:
    """The live job behind an interface, and the credentials that it may fetch."""

    role_arn: str
    path: str
    """The unguessable path, with its leading slash."""
    job_id: str
    job_arn: str
    session_name: str
    service: str = "comprehend.amazonaws.com"
    """The service principal that assumes the role on the job's behalf."""
    policy: str | None = None
    """A session policy as JSON text, which restricts the credentials."""
    model: CredentialsOwner | None = None
    """The owner of the credentials at another path: the service's own session, for the job's model only."""

    def named_by(self, path: str) -> CredentialsOwner | None:
        """Return the owner whose path this is, or ``None``. Takes constant time, so that timing reveals no path."""
        found = None
        for each in (self, self.model):
            if each is not None and hmac.compare_digest(path.encode(), each.path.encode()):
                found = each
        return found


class Cluster(Protocol):
    """Answers requests under ``CLUSTER_PATHS``, and checks itself who may make them."""

    def expects(self, method: str, path: str, vpc_id: str, source_ip: str) -> bool:
        """Return whether the body of a request should be read."""
        ...

    def handle(self, method: str, path: str, body: bytes, vpc_id: str, source_ip: str) -> Reply | None:
        """Return the reply, or ``None`` for an unknown caller, who gets a 404."""
        ...


def unchanged(moment: dt.datetime) -> dt.datetime:
    """Return a time as it is."""
    return moment


class ContainerCredentials:
    """Answers requests that arrive at the container credentials address of a VPC.

    ``owner_of(vpc_id, source_ip)`` returns the job that owns the interface with that address now, or ``None``.
    ``cluster`` answers containers that coordinate; without one their paths do not exist. Thread-safe.
    """

    def __init__(
        self,
        *,
        database: Database,
        owner_of: Callable[[str, str], CredentialsOwner | None],
        clock: Clock,
        trail: Recorder = forget,
        cluster: Cluster | None = None,
        gate: Gate = let_in,
        machine_time: Callable[[dt.datetime], dt.datetime] = unchanged,
        organization: Organizations = no_organization,
    ) -> None:
        """``machine_time`` translates a time of ``clock`` for the container, which reads the machine's clock."""
        self._gate = gate
        self._machine_time = machine_time
        self._organization = organization
        self._cluster = cluster
        self._trail = trail
        self._database = database
        self._owner_of = owner_of
        self._clock = clock
        self._lock = threading.Lock()
        self._issued: dict[CredentialsOwner, SessionCredentials] = {}
        self._logged: dict[tuple[str, str], dt.datetime] = {}

    def expects(self, method: str, path: str, vpc_id: str, source_ip: str) -> bool:
        """Return whether the body of a request should be read; requests for credentials have none."""
        if self._cluster is None or not path.startswith(CLUSTER_PATHS):
            return False
        return self._cluster.expects(method, path, vpc_id, source_ip)

    def handle(self, method: str, path: str, vpc_id: str, source_ip: str, body: bytes = b"") -> Reply:
        """Answer one request; ``path`` is as sent. Other containers get only a 404."""
        if self._cluster is not None and path.startswith(CLUSTER_PATHS):
            reply = self._cluster.handle(method, path, body, vpc_id, source_ip)
            if reply is None:
                self._refused(vpc_id, source_ip, "the path belongs to no container with this interface")
            return reply or _NOT_FOUND
        if method != "GET":
            return json_reply(405, {"code": "MethodNotAllowed", "message": "GET only"}, ("allow", "GET"))
        owner = self._owner_of(vpc_id, source_ip)
        if owner is None:
            self._refused(vpc_id, source_ip, "the interface has no live job")
            return _NOT_FOUND
        requested = owner.named_by(path)
        if requested is None:
            self._refused(vpc_id, source_ip, f"the path is not that of {owner.job_arn}, which owns the interface")
            return _NOT_FOUND
        try:
            credentials, fresh = self._credentials(requested)
        except ServiceUnavailable as error:
            logger.warning("no credentials for %s now: %s", owner.job_arn, error)
            return json_reply(503, {"code": error.code, "message": error.message})
        except RoleNotAssumable as error:
            logger.warning("no credentials for %s: %s", owner.job_arn, error)
            return json_reply(403, {"code": "AccessDenied", "message": str(error)})
        if fresh and self._owner_of(vpc_id, source_ip) != owner:
            # The job has ended since, and its sessions may have been revoked before this one was created.
            with self._database.transaction() as session:
                revoke(session, requested.role_arn, requested.session_name)
            self._refused(vpc_id, source_ip, f"{owner.job_arn} has ended")
            return _NOT_FOUND
        return json_reply(
            200,
            {
                "RoleArn": requested.role_arn,
                "AccessKeyId": credentials.access_key_id,
                "SecretAccessKey": credentials.secret_access_key,
                "Token": credentials.session_token,
                "Expiration": self._machine_time(credentials.expires_at).strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
        )

    def _credentials(self, owner: CredentialsOwner) -> tuple[SessionCredentials, bool]:
        """Return credentials that do not expire soon, and whether they are new."""
        now = self._clock()
        with self._lock:
            kept = self._issued.get(owner)
            if kept is not None and kept.expires_at - now > RENEW_BEFORE:
                return kept, False
            try:
                self._gate("sts", "AssumeRole", "")
            except ServiceUnavailable:
                if kept is not None and kept.expires_at > now:
                    return kept, False
                raise
            _, fresh = assume_recorded(
                self._trail,
                self._database,
                owner.role_arn,
                owner.service,
                owner.session_name,
                self._clock,
                source_arn=owner.job_arn,
                source_account=Arn.parse(owner.job_arn).account,
                policy=owner.policy,
                bound_to=owner.job_id,
                job_id=owner.job_id,
                organization=self._organization,
            )
            self._issued = {key: value for key, value in self._issued.items() if value.expires_at > now}
            self._issued[owner] = fresh
            return fresh, True

    def _refused(self, vpc_id: str, source_ip: str, reason: str) -> None:
        now = self._clock()
        with self._lock:
            # A container must not be able to fill the disk with these lines.
            last = self._logged.get((vpc_id, source_ip))
            if last is not None and now - last < _LOG_EVERY:
                return
            self._logged = {key: moment for key, moment in self._logged.items() if now - moment < _LOG_EVERY}
            self._logged[(vpc_id, source_ip)] = now
        logger.warning("refused container credentials to %s in %s: %s", source_ip, vpc_id, reason)


def json_reply(status: int, document: Mapping[str, Any], *headers: tuple[str, str]) -> Reply:
    """Return a reply of the credentials address: a JSON object that must not be cached."""
    return Reply(
        status,
        (("content-type", "application/json"), ("cache-control", "no-store"), *headers),
        json.dumps(document, separators=(",", ":")).encode(),
    )


_NOT_FOUND = json_reply(404, {"code": "NotFound", "message": "not found"})
