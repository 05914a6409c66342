"""The certificate authorities of this installation. Each signs certificates for its own names only.

One is for the services' names inside VPCs. Containers trust it, so that SDKs reach ``https://s3…amazonaws.com`` with
their defaults. It is name-constrained to ``amazonaws.com``, its key is sealed, and it must never be added to a host's
own trust store. One certificate covers the names that are the same in every VPC. The names of an S3 interface endpoint
have two labels before the shared part, which no wildcard covers, so each such endpoint has its own certificate, kept in
memory.

The other is for the APIs' HTTPS outside VPCs: its names are the machine's. Clients must trust its file.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from reading_room.certificate_parts import builder, common_name, key_usage, private_pem
from reading_room.clock import Clock
from reading_room.sealing import SealedFile, Sealer, write_file
from reading_room.vpc.endpoints.endpoint_services import api_names, repository_names, s3_names, services_of

AUTHORITY_DAYS = 3650
LEAF_DAYS = 397
RENEW_DAYS = 60
"""A certificate with less time left is replaced when the server starts."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Where the files are. ``certificate`` is public; the keys are sealed."""

    folder: Path
    sealer: Sealer

    @property
    def certificate(self) -> Path:
        """The authority's certificate, which containers get."""
        return self.folder / "authority.pem"

    @property
    def key(self) -> SealedFile:
        """The authority's private key."""
        return self._sealed("authority.key")

    @property
    def leaf(self) -> SealedFile:
        """The listeners' certificate and private key, in one file."""
        return self._sealed("services.pem")

    def _sealed(self, name: str) -> SealedFile:
        return SealedFile(self.sealer, self.folder / name, f"{self.folder.name}/{name}")


def shared_names(region: str) -> list[str]:
    """Return the host names that are the same in every VPC: those of services, package repositories and endpoints."""
    buckets = [form for name in s3_names(region) for form in (name, f"*.{name}")]
    endpoints = [
        f"*.{each.base_name}" for each in services_of(region) if each.kind == "Interface" and each.service != "s3"
    ]
    return [*buckets, *repository_names(region), *api_names(region), *endpoints]


def prepare(folder: Path, region: str, now: dt.datetime, sealer: Sealer) -> Authority:
    """Create or renew the authority and certificate for the services inside VPCs, and return their files.

    Raises ``SealBroken``.
    """
    title = "Reading Room, services inside this installation's VPCs"
    return _prepare(Authority(folder, sealer), title, ["amazonaws.com"], shared_names(region), now)


def prepare_certificates(folder: Path, names: Sequence[str], now: dt.datetime, sealer: Sealer) -> Authority:
    """Do the same for the APIs' own HTTPS, which clients reach by ``names``: addresses and host names.

    If the names have changed, this creates another authority, which clients must trust anew. Raises ``SealBroken``.
    """
    # Buckets come before a host name with a dot: TLS libraries accept no wildcard for a whole top-level domain.
    buckets = [f"*.{name}" for name in names if "." in name and not _is_address(name)]
    return _prepare(
        Authority(folder, sealer), "Reading Room, APIs of this installation", names, [*names, *buckets], now
    )


def _prepare(
    authority: Authority, title: str, permitted: Sequence[str], names: Sequence[str], now: dt.datetime
) -> Authority:
    authority.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _authority_is_good(authority, permitted, now):
        _make_authority(authority, title, permitted, now)
        authority.leaf.path.unlink(missing_ok=True)
    if not _leaf_is_good(authority, names, now):
        authority.leaf.write(_leaf(authority, names, now))
    return authority


def names_of(leaf: bytes) -> frozenset[str]:
    """Return the names in the first certificate of a PEM text. Raises ``ValueError``."""
    certificate = x509.load_pem_x509_certificates(leaf)[0]
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(name.lower() for name in names.get_values_for_type(x509.DNSName))


def expiry_of(pem: bytes) -> dt.datetime:
    """Return when the first certificate of a PEM text ends. Raises ``ValueError``."""
    return x509.load_pem_x509_certificates(pem)[0].not_valid_after_utc


class Certificates:
    """The certificate of each listener. ``own_names`` returns an endpoint's additional names by its id."""

    def __init__(
        self, *, authority: Authority, region: str, own_names: Callable[[str], Sequence[str]], clock: Clock
    ) -> None:
        self._authority = authority
        self._names = shared_names(region)
        self._own_names = own_names
        self._clock = clock

    def pem(self, vpc_endpoint_id: str | None) -> str:
        """Return the certificate and key of a listener, which may belong to an endpoint."""
        names = self._own_names(vpc_endpoint_id) if vpc_endpoint_id is not None else ()
        if not names:
            return self._authority.leaf.read().decode("ascii")
        return _leaf(self._authority, [*self._names, *names], self._clock()).decode("ascii")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _alternative(name: str) -> x509.GeneralName:
    """Return a name in the form that a server's certificate uses."""
    return x509.IPAddress(ipaddress.ip_address(name)) if _is_address(name) else x509.DNSName(name)


def _constraint(name: str) -> x509.GeneralName:
    """Return a name in the form that an authority's name constraints use."""
    return x509.IPAddress(ipaddress.ip_network(name)) if _is_address(name) else x509.DNSName(name)


def _days(now: dt.datetime, days: int) -> tuple[dt.datetime, dt.datetime]:
    """Return the first and the last time of a certificate: from a day ago, because clocks differ."""
    return now - dt.timedelta(days=1), now + dt.timedelta(days=days)


def _make_authority(authority: Authority, title: str, permitted: Sequence[str], now: dt.datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = common_name(title)
    certificate = (
        builder(name, name, key.public_key(), *_days(now, AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints([_constraint(each) for each in permitted], None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority.key.write(private_pem(key))
    write_file(authority.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _leaf(authority: Authority, names: Sequence[str], now: dt.datetime) -> bytes:
    """Return a new certificate for these names with its private key."""
    signer = serialization.load_pem_private_key(authority.key.read(), password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError(
            f"{authority.key.path} is not an elliptic-curve key: remove {authority.folder} to create a new one"
        )
    issuer = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        builder(common_name("Reading Room"), issuer.subject, key.public_key(), *_days(now, LEAF_DAYS))
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
            critical=False,
        )
        .sign(signer, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + private_pem(key)


def _authority_is_good(authority: Authority, permitted: Sequence[str], now: dt.datetime) -> bool:
    if not (authority.certificate.exists() and authority.key.path.exists()):
        return False
    certificate = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    return _is_valid(certificate, now, LEAF_DAYS) and set(constraints.permitted_subtrees or ()) == {
        _constraint(name) for name in permitted
    }


def _leaf_is_good(authority: Authority, names: Sequence[str], now: dt.datetime) -> bool:
    if not authority.leaf.path.exists():
        return False
    certificate = x509.load_pem_x509_certificate(authority.leaf.read())
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return _is_valid(certificate, now, RENEW_DAYS) and set(found) == {_alternative(name) for name in names}


def _is_valid(certificate: x509.Certificate, now: dt.datetime, days: int) -> bool:
    """Return whether a certificate is valid now and for more than ``days``.

    It is not valid yet if it was made before the clock was set back.
    """
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - dt.timedelta(days=days)
