"""Certificates of an attempt's containers: in real handshakes they accept each other and nobody else."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.jobs.cluster_identity import Authorities, Identity
from reading_room.jobs.job import REPLACEMENTS
from tests.worlds import databases
from tests.worlds.parts import JOB, NOW, add_job
from tests.worlds.waiting import DEADLINE

LIFETIME = dt.timedelta(hours=24)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database file with two jobs."""
    database = databases.made(tmp_path / "db.sqlite")
    add_job(database)
    add_job(database, "other")
    yield database
    database.close()


@pytest.fixture
def authorities(database: Database) -> Authorities:
    """The authorities of a newly started process."""
    return Authorities(database, system_clock, LIFETIME)


def identity(
    authorities: Authorities, member: int, attempt: int = 1, job_id: str = JOB, containers: int = 3
) -> Identity:
    """Return an identity that must exist."""
    found = authorities.identity(job_id, attempt, member, containers)
    assert found is not None
    return found


def context(own: Identity, folder: Path, *, server: bool) -> ssl.SSLContext:
    """Return a context that presents its certificate and requires one of the same authority, like the cluster's."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    # The strictest that Python has, and its default from 3.13 on.
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    made.load_verify_locations(cadata=own.authority)
    chain = folder / f"{'server' if server else 'client'}.pem"
    chain.write_text(own.certificate + own.key)
    made.load_cert_chain(chain)
    chain.unlink()
    return made


def shake_hands(server: Identity, client: Identity, folder: Path) -> tuple[str, str]:
    """Return the peers that server and client saw in a handshake. Raises ``ssl.SSLError`` if one of them refuses."""
    listening = socket.create_server(("127.0.0.1", 0))
    seen: dict[str, str] = {}
    errors: list[OSError] = []

    def serve() -> None:
        accepted, _ = listening.accept()
        try:
            with context(server, folder, server=True).wrap_socket(accepted, server_side=True) as secured:
                seen["server"] = _peer(secured)
                secured.sendall(b"!")
        except OSError as error:
            errors.append(error)
            accepted.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        raw = socket.create_connection(listening.getsockname(), timeout=DEADLINE)
        with context(client, folder, server=False).wrap_socket(raw) as secured:
            # With TLS 1.3, a client learns only afterwards that its certificate was refused.
            if secured.recv(1) == b"!":
                seen["client"] = _peer(secured)
    except OSError as error:
        errors.append(error)
    finally:
        thread.join()
        listening.close()
    refusals = [error for error in errors if isinstance(error, ssl.SSLError)]
    if refusals:
        raise refusals[0]
    assert not errors
    return seen["server"], seen["client"]


def _peer(secured: ssl.SSLSocket) -> str:
    certificate = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def test_containers_of_one_attempt_authenticate_each_other(authorities: Authorities, tmp_path: Path) -> None:
    first, second = identity(authorities, 0), identity(authorities, 1)
    assert shake_hands(first, second, tmp_path) == (f"job-{JOB}-1-1", f"job-{JOB}-1-0")
    assert shake_hands(second, first, tmp_path) == (f"job-{JOB}-1-0", f"job-{JOB}-1-1")


@pytest.mark.parametrize(("job_id", "attempt"), [("other", 1), (JOB, 2)], ids=["another job", "another attempt"])
def test_neither_side_accepts_what_another_authority_signed(
    authorities: Authorities, tmp_path: Path, job_id: str, attempt: int
) -> None:
    own, stranger = identity(authorities, 0), identity(authorities, 1, attempt, job_id)
    for server, client in ((own, stranger), (stranger, own)):
        with pytest.raises(ssl.SSLError):
            shake_hands(server, client, tmp_path)
    # To trust an authority's certificate, which is no secret, makes nobody trusted.
    with pytest.raises(ssl.SSLError):
        shake_hands(own, Identity(own.authority, stranger.certificate, stranger.key), tmp_path)


def test_a_container_cannot_sign_for_another(authorities: Authorities) -> None:
    own = identity(authorities, 1)
    certificate = x509.load_pem_x509_certificate(own.certificate.encode())
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    authority = x509.load_pem_x509_certificate(own.authority.encode())
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_every_container_has_its_own_key_that_matches_its_certificate(authorities: Authorities) -> None:
    own = [identity(authorities, member) for member in range(3 + REPLACEMENTS)]
    assert len({each.key for each in own}) == len(own)
    assert len({each.authority for each in own}) == 1
    for each in own:
        key = serialization.load_pem_private_key(each.key.encode(), None)
        assert key.public_key() == x509.load_pem_x509_certificate(each.certificate.encode()).public_key()


def test_identities_are_stable_and_unforeseen_numbers_get_none(authorities: Authorities) -> None:
    assert identity(authorities, 1) == identity(authorities, 1)
    assert authorities.identity(JOB, 1, 3 + REPLACEMENTS, 3) is None
    assert authorities.identity(JOB, 1, -1, 3) is None


def test_certificates_are_valid_during_the_longest_job_even_if_the_clock_is_set_meanwhile(database: Database) -> None:
    own = identity(Authorities(database, lambda: NOW, LIFETIME), 0)
    for pem in (own.authority, own.certificate):
        certificate = x509.load_pem_x509_certificate(pem.encode())
        assert certificate.not_valid_before_utc < NOW - dt.timedelta(days=30)
        assert certificate.not_valid_after_utc > NOW + LIFETIME + dt.timedelta(days=30)


def test_a_restarted_process_creates_no_second_authority(database: Database) -> None:
    assert Authorities(database, system_clock, LIFETIME).identity(JOB, 1, 0, 3) is not None
    again = Authorities(database, system_clock, LIFETIME)
    assert again.identity(JOB, 1, 0, 3) is None
    assert again.identity(JOB, 1, 1, 3) is None
    assert again.identity(JOB, 2, 0, 3) is not None


def test_an_attempt_that_has_ended_has_no_identities(authorities: Authorities) -> None:
    identity(authorities, 0)
    identity(authorities, 0, attempt=2)
    identity(authorities, 0, job_id="other")
    authorities.forget(JOB, 1)
    authorities.forget(JOB, 7)
    assert authorities.identity(JOB, 1, 0, 3) is None
    identity(authorities, 0, attempt=2)
    authorities.forget(JOB)
    assert authorities.identity(JOB, 2, 0, 3) is None
    identity(authorities, 0, job_id="other")


def test_forgetting_does_not_wait_for_a_transaction(database: Database, authorities: Authorities) -> None:
    identity(authorities, 0)
    asking = threading.Thread(target=authorities.identity, args=("other", 1, 0, 3))
    with database.transaction():
        # It waits for the write lock, which this transaction has.
        asking.start()
        asking.join(0.2)
        assert asking.is_alive()
        authorities.forget(JOB, 1)
    asking.join()
    assert authorities.identity("other", 1, 0, 3) is not None


def test_concurrent_requests_get_certificates_of_one_authority(authorities: Authorities) -> None:
    found: list[Identity | None] = []
    threads = [
        threading.Thread(target=lambda number=number: found.append(authorities.identity(JOB, 1, number, 16)))
        for number in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each.authority for each in found if each is not None}) == 1
    assert None not in found


def test_no_key_is_in_what_is_logged(authorities: Authorities) -> None:
    own = identity(authorities, 0)
    assert own.key not in repr(own)
    assert "PRIVATE" not in repr(own)
