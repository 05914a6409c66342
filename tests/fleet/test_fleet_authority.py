"""The authority for hosts: kept sealed in the database, and its certificates."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from sqlalchemy.orm import Session

from reading_room.fleet import authority, certificates
from reading_room.fleet.errors import HostRefused
from reading_room.fleet.tables import HostAuthorityRow
from tests.worlds.fleet import NOW

KEY = ec.generate_private_key(ec.SECP256R1())


def test_every_process_gets_the_same_authority_and_its_key_is_sealed(session: Session) -> None:
    made = authority.of_installation(session, NOW)
    session.expire_all()
    again = authority.of_installation(session, NOW + dt.timedelta(days=1))
    assert (again.fingerprint, again.pem) == (made.fingerprint, made.pem)
    assert again.key.private_numbers() == made.key.private_numbers()
    row = session.get_one(HostAuthorityRow, 1)
    assert b"PRIVATE" not in row.sealed_private_key
    assert "key" not in repr(made)


def test_a_hosts_certificate_is_for_clients_with_its_name_only_and_ends_with_the_authority() -> None:
    made = certificates.make(NOW)
    host = x509.load_pem_x509_certificate(made.sign(KEY.public_key(), "reader-2", NOW).encode())
    host.verify_directly_issued_by(made.certificate)
    names = host.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [f"reader-2.host.{certificates.DOMAIN}"]
    assert list(host.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    assert not host.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert host.not_valid_after_utc == made.certificate.not_valid_after_utc
    assert certificates.key_digest(KEY.public_key()) == certificates.key_digest(_public(host))


def _public(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    found = certificate.public_key()
    assert isinstance(found, ec.EllipticCurvePublicKey)
    return found


def test_the_authority_signs_for_names_of_hosts_only() -> None:
    constraints = certificates.make(NOW).certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert constraints.value.permitted_subtrees == [x509.DNSName(certificates.DOMAIN)]


def test_a_signing_request_proves_the_key_and_nothing_else_in_it_counts() -> None:
    assert certificates.requested_key(certificates.request_of(KEY, "anything")) == KEY.public_key()


def _request(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    subject = x509.Name([])
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, algorithm)
    return request.public_bytes(Encoding.PEM).decode()


def _forged() -> str:
    """A request whose signature is that of another request."""
    good, other = (
        x509.load_pem_x509_csr(certificates.request_of(KEY, name).encode()).public_bytes(Encoding.DER) for name in "ab"
    )
    stolen = good[:-8] + other[-8:]
    return x509.load_der_x509_csr(stolen).public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    "request_",
    [
        "",
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        _request(ed25519.Ed25519PrivateKey.generate()),
        _request(ec.generate_private_key(ec.SECP384R1())),
        _forged(),
    ],
    ids=["empty", "no request", "Ed25519", "P-384", "forged"],
)
def test_another_kind_of_request_is_refused(request_: str) -> None:
    with pytest.raises(HostRefused, match="P-256"):
        certificates.requested_key(request_)
