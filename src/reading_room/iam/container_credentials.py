"""The address where a job's container fetches the credentials of its data access role, and those for its model.

What containers of one job ask the service about their work together comes to the same address, at paths of its own,
and is answered by whoever is given as ``cluster``.

Who asks is known by the listener (its VPC) and the peer's address, which the router checks (spoofed packets die
there); the path is a second, unguessable secret of the job. Only both together are answered.
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
from reading_room.iam.role_sessions import revoke
from reading_room.iam.service_sessions import assume_recorded
from reading_room.iam.temporary_keys import SessionCredentials

logger = logging.getLogger(__name__)

RENEW_BEFORE = dt.timedelta(minutes=30)
"""Credentials with less life left are replaced. SDKs ask at every use once 15 minutes are left, so it must be more."""
_LOG_EVERY = dt.timedelta(seconds=1)
CLUSTER_PATHS = "/v2/cluster/"
"""What the paths begin with at which containers ask about their work together."""


@dataclass(frozen=True, slots=True)
class CredentialsOwner:
    """The live job behind an interface, and what it may fetch."""

    role_arn: str
    path: str
    """The unguessable path, with its leading slash."""
    job_id: str
    job_arn: str
    session_name: str
    service: str = "comprehend.amazonaws.com"
    """The service principal that assumes the role on the job's behalf."""
    policy: str | None = None
    """A session policy as JSON text, which narrows what the credentials are good for."""
    model: CredentialsOwner | None = None
    """What the same container may fetch at another path: the service's own session, for the job's model only."""

    def named_by(self, path: str) -> CredentialsOwner | None:
        """Return whose credentials a path asks for, in time that tells nothing of the paths; ``None`` for no one's."""
        found = None
        for each in (self, self.model):
            if each is not None and hmac.compare_digest(path.encode(), each.path.encode()):
                found = each
        return found


class Cluster(Protocol):
    """Answers at ``CLUSTER_PATHS``. Knows by itself who may ask."""

    def expects(self, method: str, path: str, vpc_id: str, source_ip: str) -> bool:
        """Say whether the body of a request is worth reading."""
        ...

    def handle(self, method: str, path: str, body: bytes, vpc_id: str, source_ip: str) -> Reply | None:
        """Return the answer, or ``None`` for a stranger, who learns only that there is nothing here."""
        ...


class ContainerCredentials:
    """Answers requests that arrive at the container credentials address of a VPC.

    ``owner_of(vpc_id, source_ip)`` returns the job that owns the interface with that address now, or ``None``.
    ``cluster`` answers containers that work together; without one there is nothing at its paths. Thread-safe.
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
    ) -> None:
        self._gate = gate
        self._cluster = cluster
        self._trail = trail
        self._database = database
        self._owner_of = owner_of
        self._clock = clock
        self._lock = threading.Lock()
        self._issued: dict[CredentialsOwner, SessionCredentials] = {}
        self._logged: dict[tuple[str, str], dt.datetime] = {}

    def expects(self, method: str, path: str, vpc_id: str, source_ip: str) -> bool:
        """Say whether the body of a request is worth reading; whoever asks for credentials has none."""
        if self._cluster is None or not path.startswith(CLUSTER_PATHS):
            return False
        return self._cluster.expects(method, path, vpc_id, source_ip)

    def handle(self, method: str, path: str, vpc_id: str, source_ip: str, body: bytes = b"") -> Reply:
        """Answer one request; ``path`` is as sent. 404 is all that a neighbour learns."""
        if self._cluster is not None and path.startswith(CLUSTER_PATHS):
            reply = self._cluster.handle(method, path, body, vpc_id, source_ip)
            if reply is None:
                self._refused(vpc_id, source_ip, "the path is of no container with this interface")
            return reply or _NOT_FOUND
        if method != "GET":
            return json_reply(405, {"code": "MethodNotAllowed", "message": "GET only"}, ("allow", "GET"))
        owner = self._owner_of(vpc_id, source_ip)
        if owner is None:
            self._refused(vpc_id, source_ip, "the interface has no live job")
            return _NOT_FOUND
        asked = owner.named_by(path)
        if asked is None:
            self._refused(vpc_id, source_ip, f"the path is not that of {owner.job_arn}, which owns the interface")
            return _NOT_FOUND
        try:
            credentials, fresh = self._credentials(asked)
        except ServiceUnavailable as error:
            logger.warning("no credentials for %s now: %s", owner.job_arn, error)
            return json_reply(503, {"code": error.code, "message": error.message})
        except RoleNotAssumable as error:
            logger.warning("no credentials for %s: %s", owner.job_arn, error)
            return json_reply(403, {"code": "AccessDenied", "message": str(error)})
        if fresh and self._owner_of(vpc_id, source_ip) != owner:
            # The job ended meanwhile, and what ended its sessions may not have seen this one.
            with self._database.transaction() as session:
                revoke(session, asked.role_arn, asked.session_name)
            self._refused(vpc_id, source_ip, f"{owner.job_arn} has ended")
            return _NOT_FOUND
        return json_reply(
            200,
            {
                "RoleArn": asked.role_arn,
                "AccessKeyId": credentials.access_key_id,
                "SecretAccessKey": credentials.secret_access_key,
                "Token": credentials.session_token,
                "Expiration": credentials.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
        )

    def _credentials(self, owner: CredentialsOwner) -> tuple[SessionCredentials, bool]:
        """Return credentials with enough life left, and whether they are new."""
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
    """Return an answer of the credentials address: a JSON object that nobody keeps."""
    return Reply(
        status,
        (("content-type", "application/json"), ("cache-control", "no-store"), *headers),
        json.dumps(document, separators=(",", ":")).encode(),
    )


_NOT_FOUND = json_reply(404, {"code": "NotFound", "message": "there is nothing here"})
