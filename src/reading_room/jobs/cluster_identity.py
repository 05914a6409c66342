"""The certificates with which the containers of one attempt of a job authenticate each other.

Each attempt has its own certificate authority, which exists only while it signs. Its private key is discarded before
the first container gets its certificate, so no other certificate can ever be added. The containers' keys exist only in
the memory of this process. After a restart the process has no keys and creates no new ones, because containers that are
already connected would not trust the new certificates.
"""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from reading_room.certificate_parts import builder, common_name, key_usage, pem, private_pem
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.jobs.job import REPLACEMENTS
from reading_room.jobs.tables import ClusterAuthorityRow

_MARGIN = dt.timedelta(days=366)
"""How much earlier and later than a job can run its certificates are valid.

Their keys live only as long as the attempt, so a job need not fail because the clock is set while it runs.
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """The credentials with which a container talks to the others of its attempt, in PEM."""

    authority: str
    """The certificate of the authority that signed all the containers' certificates."""
    certificate: str
    key: str = field(repr=False)
    """The container's private key."""


class Authorities:
    """The identities of every current attempt. Thread-safe.

    ``lifetime`` is how long a job can run; the certificates are valid for a year more.
    """

    def __init__(self, database: Database, clock: Clock, lifetime: dt.timedelta) -> None:
        self._database = database
        self._clock = clock
        self._lifetime = lifetime
        self._lock = threading.Lock()
        # Held while rows are written, so ``forget``, which is called inside transactions, must not acquire it.
        self._creating = threading.Lock()
        self._identities: dict[tuple[str, int], tuple[Identity, ...]] = {}

    def identity(self, job_id: str, attempt: int, member: int, containers: int) -> Identity | None:
        """Return the identity of container ``member`` of an attempt that began with ``containers`` containers.

        The first call for an attempt creates the identities of all its containers and of possible replacements. Returns
        ``None`` if the identities were lost with the process that created them, if the attempt has ended, or if there
        is none for this number.
        """
        identities = self._stored(job_id, attempt)
        if identities is None:
            identities = self._create_once(job_id, attempt, containers + REPLACEMENTS)
        return identities[member] if 0 <= member < len(identities) else None

    def forget(self, job_id: str, attempt: int | None = None) -> None:
        """Forget the identities, if any, of an attempt that has ended, or of all attempts of a job."""
        with self._lock:
            for key in [key for key in self._identities if key[0] == job_id and attempt in (None, key[1])]:
                del self._identities[key]

    def _stored(self, job_id: str, attempt: int) -> tuple[Identity, ...] | None:
        with self._lock:
            return self._identities.get((job_id, attempt))

    def _create_once(self, job_id: str, attempt: int, count: int) -> tuple[Identity, ...]:
        """Return the identities of an attempt. Create them if it never had any; return none if they were lost."""
        with self._creating:
            identities = self._stored(job_id, attempt)
            if identities is None and self._record_authority(job_id, attempt):
                identities = self._create(job_id, attempt, count)
                with self._lock:
                    self._identities[job_id, attempt] = identities
            return identities or ()

    def _record_authority(self, job_id: str, attempt: int) -> bool:
        """Record that the attempt has had its authority; return whether it had none before."""
        with self._database.transaction() as session:
            if session.get(ClusterAuthorityRow, (job_id, attempt)) is not None:
                return False
            session.add(ClusterAuthorityRow(job_id=job_id, attempt=attempt, made_at=self._clock()))
            return True

    def _create(self, job_id: str, attempt: int, count: int) -> tuple[Identity, ...]:
        now = self._clock()
        first, last = now - _MARGIN, now + self._lifetime + _MARGIN
        signer = ec.generate_private_key(ec.SECP256R1())
        name = common_name(f"job-{job_id}-{attempt}")
        authority = (
            builder(name, name, signer.public_key(), first, last)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(key_usage(signs_certificates=True), critical=True)
            .sign(signer, hashes.SHA256())
        )
        identities = []
        for member in range(count):
            key = ec.generate_private_key(ec.SECP256R1())
            certificate = (
                builder(common_name(f"job-{job_id}-{attempt}-{member}"), name, key.public_key(), first, last)
                .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                .add_extension(key_usage(signs_certificates=False), critical=True)
                # Each container is both a client and a server of others.
                .add_extension(
                    x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                    critical=False,
                )
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
                .sign(signer, hashes.SHA256())
            )
            identities.append(Identity(pem(authority), pem(certificate), private_pem(key).decode("ascii")))
        return tuple(identities)
