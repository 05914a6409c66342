"""The certificate authority of this installation: it vouches for S3's names inside VPCs, and for nothing else.

Containers trust it, so that SDKs reach ``https://s3…amazonaws.com`` with their defaults. It is name-constrained to
``amazonaws.com``, its key is 0600, and it must never go into a host's own trust store.
"""

from __future__ import annotations

import datetime as dt
import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650
LEAF_DAYS = 397
RENEW_DAYS = 60
"""A leaf with less time left is replaced when the server starts."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Where the files are. ``certificate`` is public; the keys are private."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """The authority's certificate, which containers get."""
        return self.folder / "authority.pem"

    @property
    def key(self) -> Path:
        """The authority's private key."""
        return self.folder / "authority.key"

    @property
    def leaf(self) -> Path:
        """Certificate and private key of the S3 listeners, in one file."""
        return self.folder / "s3.pem"


def s3_names(region: str) -> list[str]:
    """Return the host names of S3 that SDKs and people use: global, regional, legacy, dual-stack; each with buckets."""
    names = ["s3.amazonaws.com", f"s3.{region}.amazonaws.com", f"s3-{region}.amazonaws.com"]
    names.append(f"s3.dualstack.{region}.amazonaws.com")
    return [form for name in names for form in (name, f"*.{name}")]


def prepare(folder: Path, region: str, now: dt.datetime) -> Authority:
    """Make what is missing or nearly expired, and return where it is."""
    authority = Authority(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (authority.certificate.exists() and authority.key.exists()):
        _make_authority(authority, now)
        authority.leaf.unlink(missing_ok=True)
    if not _leaf_is_good(authority, region, now):
        _make_leaf(authority, region, now)
    return authority


def server_context(authority: Authority) -> ssl.SSLContext:
    """Return the TLS context of the S3 listeners inside VPCs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(authority.leaf)
    return context


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _make_authority(authority: Authority, now: dt.datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Reading Room, S3 inside this installation's VPCs")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name, name, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.NameConstraints([x509.DNSName("amazonaws.com")], None), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(authority.key, _private(key), 0o600)
    _write(authority.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _make_leaf(authority: Authority, region: str, now: dt.datetime) -> None:
    signer = serialization.load_pem_private_key(authority.key.read_bytes(), password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{authority.key} is not an elliptic-curve key: remove {authority.folder} to make it anew")
    issuer = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_name(f"s3.{region}.amazonaws.com"), issuer.subject, key, now, LEAF_DAYS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in s3_names(region)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
            critical=False,
        )
        .sign(signer, hashes.SHA256())
    )
    _write(authority.leaf, certificate.public_bytes(serialization.Encoding.PEM) + _private(key), 0o600)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _leaf_is_good(authority: Authority, region: str, now: dt.datetime) -> bool:
    if not authority.leaf.exists():
        return False
    certificate = x509.load_pem_x509_certificate(authority.leaf.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    long_enough = certificate.not_valid_after_utc - now > dt.timedelta(days=RENEW_DAYS)
    return long_enough and set(names.get_values_for_type(x509.DNSName)) == set(s3_names(region))


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write a file that is whole or absent, with its mode from the first moment."""
    temporary = path.with_suffix(path.suffix + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
