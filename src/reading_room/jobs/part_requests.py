"""The requests of a job's containers to the service, other than for credentials: for their certificate and parts.

They are sent to the credentials address of the VPC, at a path that differs for each container. The interface identifies
the container, and the path is a second, unguessable secret. Every container gets a certificate; only the first one
handles parts. Containers process untrusted documents, so a container can affect only the parts of its own job.
"""

from __future__ import annotations

import hmac
import json
import re
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.aws.call import Reply
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam.container_credentials import json_reply
from reading_room.jobs import parts
from reading_room.jobs.cluster_identity import Authorities
from reading_room.jobs.errors import PlanRefused
from reading_room.jobs.needs import container_at
from reading_room.jobs.parts import PARTS_LIMIT, PartObject, PartState
from reading_room.jobs.places import location_of, parts_of
from reading_room.jobs.tables import JobContainerRow, JobRow

BODY_LIMIT = 4_000_000
"""The maximum size of a request's body in bytes; the largest plan needs half of it."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"/parts/(0|[1-9][0-9]{0,5})")
_KEY_BYTES = 1024
"""The maximum size of an S3 key, in bytes of UTF-8."""
_COUNTED = frozenset({"Characters", "Units"})
"""Members that a container of an earlier version, which may outlive an update, does not send."""
_COUNT_LIMIT = 2**53
"""The bound of the integers that every JSON implementation represents exactly."""


class Malformed(Exception):
    """A request is malformed; the message says what is wrong."""


class PartRequests:
    """Answers the requests of containers at their own paths. Thread-safe."""

    def __init__(self, database: Database, authorities: Authorities, clock: Clock) -> None:
        self._database = database
        self._authorities = authorities
        self._clock = clock

    def expects(self, method: str, path: str, vpc_id: str, source_ip: str) -> bool:
        """Return whether to read a request's body: only the first container of a job sends one, about its parts."""
        with self._database.reading() as session:
            known = _sender(session, path, vpc_id, source_ip)
            return method == "POST" and known is not None and known[0].member == 0 and known[2].startswith("/parts")

    def handle(self, method: str, path: str, body: bytes, vpc_id: str, source_ip: str) -> Reply | None:
        """Return the reply to a request, or ``None`` to reply as for an unknown path; ``path`` is as sent."""
        try:
            if method == "GET":
                return self._get(path, vpc_id, source_ip)
            if method == "POST":
                return self._post(path, body, vpc_id, source_ip)
        except Malformed as error:
            return _refusal(400, "Malformed", str(error))
        except PlanRefused as error:
            return _refusal(409, "Fenced", str(error))
        return _refusal(405, "MethodNotAllowed", "GET and POST only", ("allow", "GET, POST"))

    def _get(self, path: str, vpc_id: str, source_ip: str) -> Reply | None:
        with self._database.reading() as session:
            known = _sender(session, path, vpc_id, source_ip)
            if known is None:
                return None
            container, job, rest = known
            if rest == "/parts" and container.member == 0:
                return _parts_reply(parts.states(session, job.job_id))
        return self._certificate(container, job, path, vpc_id, source_ip) if rest == "" else None

    def _certificate(
        self, container: JobContainerRow, job: JobRow, path: str, vpc_id: str, source_ip: str
    ) -> Reply | None:
        identity = self._authorities.identity(job.job_id, container.attempt, container.member, job.containers)
        with self._database.reading() as session:
            if _sender(session, path, vpc_id, source_ip) is None:
                if not _lives(session, job.job_id, container.attempt):
                    # The attempt ended meanwhile, and its end may have come before these identities were stored.
                    self._authorities.forget(job.job_id, container.attempt)
                return None
        if identity is None:
            return _refusal(
                409, "NoCertificate", "the certificates of this attempt are gone: another attempt is needed"
            )
        return json_reply(
            200, {"Authority": identity.authority, "Certificate": identity.certificate, "Key": identity.key}
        )

    def _post(self, path: str, body: bytes, vpc_id: str, source_ip: str) -> Reply | None:
        with self._database.reading() as session:
            known = _sender(session, path, vpc_id, source_ip)
        if known is None or known[0].member != 0:
            return None
        container, job, rest = known
        if rest == "/parts":
            digest, plan = read_plan(body)

            def register(session: Session) -> list[PartState] | None:
                # Check again in the writing transaction, in case the attempt ended meanwhile.
                if _sender(session, path, vpc_id, source_ip) is None:
                    return None
                return parts.register(
                    session, job.job_id, container.attempt, container.container_id, digest, plan, self._clock()
                )

            states = self._database.write(register)
            return None if states is None else _parts_reply(states)
        named = _PART.fullmatch(rest)
        if named is None:
            return None
        fence, result = read_finished(body)
        folder = f"{parts_of(location_of(job.output_uri)).key}{container.attempt}/"
        if not result.key.startswith(folder) or result.key == folder:
            raise Malformed(f"Key is not the key of an object under {folder}")

        def finish(session: Session) -> bool | None:
            if _sender(session, path, vpc_id, source_ip) is None:
                return None
            return parts.finish(session, job.job_id, int(named[1]), container.container_id, fence, result)

        # The fence decides. Attempts end in blocks, which no function runs beside.
        own = self._database.write(finish, by_row_locks=True)
        if own is None:
            return None
        return json_reply(200, {}) if own else _refusal(409, "Fenced", "the part is not this container's to finish")


def _sender(session: Session, path: str, vpc_id: str, source_ip: str) -> tuple[JobContainerRow, JobRow, str] | None:
    """Return the container that sent a request, its job, and the rest of the path; ``None`` for any other sender."""
    found = session.execute(container_at(vpc_id, source_ip)).first()
    if found is None:
        return None
    container, job = found
    if container.cluster_path is None:
        return None
    own = container.cluster_path.encode()
    begin, rest = path.encode()[: len(own)], path.encode()[len(own) :]
    # Compare in constant time, so that timing reveals nothing about the path.
    if not hmac.compare_digest(begin, own):
        return None
    return container, job, rest.decode()


def _lives(session: Session, job_id: str, attempt: int) -> bool:
    """Return whether an attempt has a wanted container."""
    query = select(JobContainerRow.container_id).where(
        JobContainerRow.job_id == job_id, JobContainerRow.attempt == attempt, JobContainerRow.wanted
    )
    return session.scalars(query.limit(1)).first() is not None


def _members(body: bytes, *names: str, optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the members of a JSON object that has exactly these, and any of ``optional``. Raises ``Malformed``."""
    if len(body) > BODY_LIMIT:
        raise Malformed(f"the body has more than {BODY_LIMIT} bytes")
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("the body is not JSON") from None
    if not isinstance(members, dict) or set(members) - optional != set(names):
        raise Malformed(f"the body is not an object with the members {', '.join(names)}")
    return members


def read_plan(body: bytes) -> tuple[str, list[tuple[int, int | None]]]:
    """Return the digest of a plan, and the bytes and documents of each part. Raises ``Malformed``."""
    members = _members(body, "Digest", "Parts")
    given = members["Parts"]
    if not isinstance(given, list) or len(given) > PARTS_LIMIT:
        raise Malformed(f"Parts is not a list of at most {PARTS_LIMIT}")
    plan: list[tuple[int, int | None]] = []
    for part in given:
        if not isinstance(part, list) or len(part) != 2:
            raise Malformed("a part is not a pair of bytes and documents")
        size, documents = part
        plan.append(
            (_count(size, "the bytes of a part"), None if documents is None else _count(documents, "documents"))
        )
    return _digest(members["Digest"], "Digest"), plan


def read_finished(body: bytes) -> tuple[int, PartObject]:
    """Return the fence of a finished part, and the object with its result. Raises ``Malformed``."""
    members = _members(body, "Fence", "Key", "Size", "Sha256", "Documents", "Errors", optional=_COUNTED)
    key = members["Key"]
    if not isinstance(key, str) or not _is_key(key):
        raise Malformed("Key is not the key of an object")
    result = PartObject(
        key,
        _count(members["Size"], "Size"),
        _digest(members["Sha256"], "Sha256"),
        _count(members["Documents"], "Documents"),
        _count(members["Errors"], "Errors"),
        _count(members.get("Characters", 0), "Characters"),
        _count(members.get("Units", 0), "Units"),
    )
    return _count(members["Fence"], "Fence"), result


def _is_key(text: str) -> bool:
    try:
        return 0 < len(text.encode()) <= _KEY_BYTES
    except UnicodeEncodeError:
        return False


def _count(value: object, name: str) -> int:
    # A bool is an int in Python, but not in JSON.
    if type(value) is not int or not 0 <= value < _COUNT_LIMIT:
        raise Malformed(f"{name} is not a non-negative integer")
    return value


def _digest(value: object, name: str) -> str:
    if not isinstance(value, str) or _DIGEST.fullmatch(value) is None:
        raise Malformed(f"{name} is not a SHA-256 in hexadecimal")
    return value


def _parts_reply(states: list[PartState]) -> Reply:
    return json_reply(200, {"Parts": [_described(state) for state in states]})


def _described(state: PartState) -> dict[str, Any]:
    done = state.done
    return {
        "Number": state.number,
        "Fence": state.fence,
        "Done": None
        if done is None
        else {
            "Key": done.key,
            "Size": done.size,
            "Sha256": done.sha256,
            "Documents": done.documents,
            "Errors": done.errors,
            "Characters": done.characters,
            "Units": done.units,
        },
    }


def _refusal(status: int, code: str, message: str, *headers: tuple[str, str]) -> Reply:
    return json_reply(status, {"code": code, "message": message}, *headers)
