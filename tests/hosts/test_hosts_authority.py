"""The certificate authority: private keys, names of services only, renewal."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from reading_room.hosts.authority import LEAF_DAYS, RENEW_DAYS, Certificates, prepare, shared_names
from reading_room.hosts.front.listeners import server_context_of
from tests.worlds.databases import SEALER

NOW = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
REGION = "us-east-1"


def certificate(path: Path) -> x509.Certificate:
    """The first certificate in a file."""
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_private_files_are_readable_only_by_their_owner(tmp_path: Path) -> None:
    authority = prepare(tmp_path / "authority", REGION, NOW, SEALER)
    assert {path.name: path.stat().st_mode & 0o777 for path in authority.folder.iterdir()} == {
        "authority.key": 0o600,
        "authority.pem": 0o644,
        "services.pem": 0o600,
    }
    assert authority.folder.stat().st_mode & 0o777 == 0o700


def test_the_authority_can_only_sign_for_amazonaws_names(tmp_path: Path) -> None:
    authority = certificate(prepare(tmp_path / "a", REGION, NOW, SEALER).certificate)
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert constraints.value.permitted_subtrees == [x509.DNSName("amazonaws.com")]
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


@pytest.mark.parametrize(
    "name",
    [
        "s3.amazonaws.com",
        "bucket.s3.amazonaws.com",
        "s3.us-east-1.amazonaws.com",
        "bucket.s3.us-east-1.amazonaws.com",
        "s3-us-east-1.amazonaws.com",
        "bucket.s3.dualstack.us-east-1.amazonaws.com",
        "amazonlinux.us-east-1.amazonaws.com",
        "packages.us-east-1.amazonaws.com",
        "comprehend.us-east-1.amazonaws.com",
        "sts.amazonaws.com",
        "iam.amazonaws.com",
        "vpce-0123456789abcdef0-abcdefgh.logs.us-east-1.vpce.amazonaws.com",
        "vpce-0123456789abcdef0-abcdefgh-us-east-1a.ec2.us-east-1.vpce.amazonaws.com",
    ],
)
def test_a_client_that_trusts_the_authority_accepts_the_names_of_the_services(tmp_path: Path, name: str) -> None:
    assert handshake(tmp_path, name) is None


@pytest.mark.parametrize("name", ["example.com", "lambda.us-east-1.amazonaws.com", "s3.eu-west-1.amazonaws.com"])
def test_certificates_for_other_names_are_not_trusted(tmp_path: Path, name: str) -> None:
    assert isinstance(handshake(tmp_path, name), ssl.SSLCertVerificationError)


def test_only_the_listener_of_an_s3_interface_endpoint_has_a_certificate_for_its_names(tmp_path: Path) -> None:
    own = ["bucket.vpce-1-x.s3.us-east-1.vpce.amazonaws.com", "*.bucket.vpce-1-x.s3.us-east-1.vpce.amazonaws.com"]
    authority = prepare(tmp_path / "a", REGION, dt.datetime.now(dt.UTC), SEALER)
    files = set(authority.folder.iterdir())
    certificates = Certificates(
        authority=authority,
        region=REGION,
        own_names=lambda endpoint: own if endpoint == "vpce-1" else (),
        clock=lambda: dt.datetime.now(dt.UTC),
    )
    its_own = server_context_of(certificates.pem("vpce-1").encode())
    for name in (own[0], f"library.{own[0]}"):
        assert handshake(tmp_path, name, its_own) is None
        for other in (None, "vpce-2"):
            theirs = server_context_of(certificates.pem(other).encode())
            assert isinstance(handshake(tmp_path, name, theirs), ssl.SSLCertVerificationError)
    assert handshake(tmp_path, "s3.amazonaws.com", server_context_of(certificates.pem("vpce-2").encode())) is None
    # S3's names, which private DNS may make the endpoint's, are its own as well.
    assert handshake(tmp_path, "library.s3.us-east-1.amazonaws.com", its_own) is None
    assert set(authority.folder.iterdir()) == files


def handshake(folder: Path, name: str, context: ssl.SSLContext | None = None) -> Exception | None:
    """Shake hands in memory, as a client that trusts the authority and requests ``name``; return the error."""
    authority = prepare(folder / "a", REGION, dt.datetime.now(dt.UTC), SEALER)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    trusting = ssl.create_default_context(cafile=str(authority.certificate))
    client = trusting.wrap_bio(to_client, to_server, server_hostname=name)
    server = (context or server_context_of(authority.leaf.read())).wrap_bio(to_server, to_client, server_side=True)
    done = 0
    for _ in range(10):
        for end in (client, server):
            try:
                end.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                return error
        if done >= 4:
            return None
    return AssertionError("the handshake never ended")


def test_valid_files_are_kept_and_a_certificate_near_its_end_is_replaced(tmp_path: Path) -> None:
    first = prepare(tmp_path / "a", REGION, NOW, SEALER)
    authority, leaf = first.certificate.read_bytes(), first.leaf.read()
    prepare(tmp_path / "a", REGION, NOW + dt.timedelta(days=1), SEALER)
    assert (first.certificate.read_bytes(), first.leaf.read()) == (authority, leaf)
    prepare(tmp_path / "a", REGION, NOW + dt.timedelta(days=LEAF_DAYS - RENEW_DAYS + 1), SEALER)
    assert first.certificate.read_bytes() == authority
    assert first.leaf.read() != leaf


def test_certificates_that_are_not_valid_yet_are_replaced(tmp_path: Path) -> None:
    first = prepare(tmp_path / "a", REGION, NOW, SEALER)
    authority, leaf = first.certificate.read_bytes(), first.leaf.read()
    now = NOW - dt.timedelta(days=2)  # The clock was set back.
    prepare(tmp_path / "a", REGION, now, SEALER)
    assert first.certificate.read_bytes() != authority
    assert first.leaf.read() != leaf
    assert certificate(first.certificate).not_valid_before_utc <= now


def test_another_region_gets_its_own_names(tmp_path: Path) -> None:
    prepare(tmp_path / "a", REGION, NOW, SEALER)
    leaf = x509.load_pem_x509_certificate(prepare(tmp_path / "a", "eu-west-1", NOW, SEALER).leaf.read())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == set(shared_names("eu-west-1"))
