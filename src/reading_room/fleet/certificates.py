"""Certificates of the authority for hosts, by which ``serve`` and the hosts of an installation recognize each other.

The authority is separate from those that containers and clients trust, and signs only names below ``DOMAIN``. A
certificate says whose key it is, but not that the host still belongs here: that is in the host's row, which has the
digest of the key. So certificates live as long as the authority, and none needs to be renewed or revoked.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from reading_room.certificate_parts import builder, common_name, key_usage, pem, private_pem
from reading_room.fleet.errors import HostRefused

DOMAIN = "hosts.reading-room.internal"
SERVE_NAME = f"serve.{DOMAIN}"
"""The name in the certificate of every ``serve``."""
DAYS = 7300
_BEFORE = dt.timedelta(days=1)
"""Certificates are valid from a day ago, because clocks differ."""


@dataclass(frozen=True, slots=True)
class HostAuthority:
    """An authority with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def pem(self) -> str:
        """The certificate in PEM, which every host gets."""
        return pem(self.certificate)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate (DER) in hexadecimal, which identifies the installation to hosts."""
        return fingerprint_of(self.certificate)

    def serve_pem(self, now: dt.datetime) -> bytes:
        """Return a new certificate for a ``serve`` process followed by its new private key, in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        signed = self._signed(key.public_key(), "Reading Room serve", SERVE_NAME, ExtendedKeyUsageOID.SERVER_AUTH, now)
        return pem(signed).encode() + private_pem(key)

    def sign(self, public_key: ec.EllipticCurvePublicKey, host: str, now: dt.datetime) -> str:
        """Return a certificate in PEM for the key of a host, with which it can be a client, but no server."""
        return pem(self._signed(public_key, host, f"{host}.host.{DOMAIN}", ExtendedKeyUsageOID.CLIENT_AUTH, now))

    def _signed(
        self, public_key: ec.EllipticCurvePublicKey, title: str, name: str, use: x509.ObjectIdentifier, now: dt.datetime
    ) -> x509.Certificate:
        end = self.certificate.not_valid_after_utc
        return (
            builder(common_name(title), self.certificate.subject, public_key, now - _BEFORE, end)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )


def make(now: dt.datetime) -> HostAuthority:
    """Return a new authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = common_name("Reading Room, hosts of this installation")
    certificate = (
        builder(name, name, key.public_key(), now - _BEFORE, now + dt.timedelta(days=DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints([x509.DNSName(DOMAIN)], None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return HostAuthority(certificate, key)


def requested_key(request: str) -> ec.EllipticCurvePublicKey:
    """Return the public key in a signing request (PEM), whose sender has proven that it has the private key.

    Everything else in the request is ignored. Raises ``HostRefused``.
    """
    try:
        parsed = x509.load_pem_x509_csr(request.encode())
        key = parsed.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("not a key on the curve P-256")
        if not parsed.is_signature_valid:
            raise ValueError("its signature is not that of its key")
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise HostRefused("signing request", str(error)[:100], "send one in PEM for a key on the curve P-256") from None
    return key


def request_of(key: ec.EllipticCurvePrivateKey, host: str) -> str:
    """Return a signing request (PEM) for the key of a host."""
    request = x509.CertificateSigningRequestBuilder().subject_name(common_name(host)).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode("ascii")


def key_digest(key: ec.EllipticCurvePublicKey) -> str:
    """Return the SHA-256 of a public key (SubjectPublicKeyInfo) in hexadecimal."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(key.public_bytes(serialization.Encoding.DER, form)).hexdigest()


def fingerprint_of(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate (DER) in hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()
