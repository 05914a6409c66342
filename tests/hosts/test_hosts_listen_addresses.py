"""The listen addresses of the APIs: plain HTTP on loopback only, certificates for HTTPS, and refused settings."""

from __future__ import annotations

import datetime as dt
import os
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from reading_room.clock import system_clock
from reading_room.hosts.authority import prepare_certificates
from reading_room.hosts.listen_addresses import (
    ListenAddress,
    ListenAddressError,
    ListenerCertificate,
    certificate_names,
    listen_addresses,
    local_address,
    own_authority,
    take_in,
)
from reading_room.settings import Settings
from tests.worlds.databases import SEALER


def settings(folder: Path, **given: object) -> Settings:
    """Settings of a data folder that exists."""
    (folder / "data").mkdir(exist_ok=True)
    return Settings.from_environment({}, data=folder / "data", service_uid=os.getuid() or 60578, **given)


def pair(folder: Path, name: str = "reading.example.com", stem: str = "given") -> tuple[Path, Path]:
    """Write a certificate for a name, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{stem}.pem", folder / f"{stem}.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].touch(mode=0o600)
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


def shake_hands(server: ssl.SSLContext, trusted: Path, name: str, most: ssl.TLSVersion | None = None) -> str:
    """Shake hands in memory as a client that trusts a file and requests ``name``; return the version or the error."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=str(trusted))
    if most is not None:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = most
        context.set_ciphers("ALL:@SECLEVEL=0")
    client = context.wrap_bio(to_client, to_server, server_hostname=name)
    end = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client, end]
    for _ in range(10):
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                return str(error)
        if not waiting:
            return str(client.version())
    return "never ended"


def test_plain_http_on_loopback_needs_no_settings(tmp_path: Path) -> None:
    assert listen_addresses(settings(tmp_path)) == (ListenAddress("127.0.0.1", 4566, secure=False),)
    assert listen_addresses(settings(tmp_path, host="::1"))[0].url == "http://[::1]:4566"
    assert own_authority(settings(tmp_path)) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "reading.example.com", "127.0.0.1.example.com"])
def test_any_other_address_is_refused_without_tls_with_what_to_change(tmp_path: Path, host: str) -> None:
    with pytest.raises(ListenAddressError) as refused:
        listen_addresses(settings(tmp_path, host=host))
    for said in (f"--host {host}", "--tls-cert", "--tls-key", "READING_ROOM_TLS=own"):
        assert said in str(refused.value)


@pytest.mark.parametrize("given", [{"tls": "own"}, {"tls_cert": "a.pem", "tls_key": "a.key"}])
def test_with_a_certificate_another_address_has_https_and_nothing_else(tmp_path: Path, given: dict[str, str]) -> None:
    assert listen_addresses(settings(tmp_path, host="0.0.0.0", **given)) == (
        ListenAddress("0.0.0.0", 4566, secure=True),
    )


def test_a_port_for_tls_adds_https_on_loopback(tmp_path: Path) -> None:
    assert [listen_address.url for listen_address in listen_addresses(settings(tmp_path, tls_port=4567))] == [
        "http://127.0.0.1:4566",
        "https://127.0.0.1:4567",
    ]
    assert [
        listen_address.url
        for listen_address in listen_addresses(settings(tmp_path, host="10.1.2.3", tls="own", tls_port=4567))
    ] == [
        "https://10.1.2.3:4566",
        "https://127.0.0.1:4567",
    ]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"tls_cert": "a.pem", "tls_port": 4567}, "--tls-cert and --tls-key go together"),
        ({"tls_key": "a.key", "tls_port": 4567}, "--tls-cert and --tls-key go together"),
        ({"tls_cert": "a.pem", "tls_key": "a.key"}, "no use while plain HTTP"),
        ({"tls": "own"}, "no use while plain HTTP"),
        ({"tls_port": 4566}, "both 4566"),
    ],
)
def test_settings_without_effect_or_sense_are_refused(tmp_path: Path, given: dict[str, object], says: str) -> None:
    with pytest.raises(ListenAddressError, match=says):
        listen_addresses(settings(tmp_path, **given))


def test_commands_on_this_machine_use_a_name_that_the_certificate_has(tmp_path: Path) -> None:
    assert local_address(settings(tmp_path, host="0.0.0.0", tls="own")).url == "https://127.0.0.1:4566"
    assert local_address(settings(tmp_path, host="10.1.2.3", tls="own")).url == "https://10.1.2.3:4566"
    given = settings(tmp_path, host="0.0.0.0", tls_cert="a", tls_key="b", tls_names="reading.example.com")
    assert local_address(given).url == "https://reading.example.com:4566"
    assert local_address(settings(tmp_path)).url == "http://127.0.0.1:4566"


def test_our_certificate_has_only_the_names_of_the_machine_and_so_does_its_authority(
    tmp_path: Path,
) -> None:
    chosen = settings(tmp_path, host="0.0.0.0", tls="own", tls_names="reading.example.com,10.1.2.3")
    context = ListenerCertificate(chosen, system_clock, SEALER).context()
    trusted = own_authority(chosen)
    assert trusted is not None
    for name in (*certificate_names(chosen), "bucket.reading.example.com", "bucket.s3.localhost"):
        assert shake_hands(context, trusted, name) == "TLSv1.3", name
    for name in ("example.com", "s3.us-east-1.amazonaws.com", "10.1.2.4"):
        assert "CERTIFICATE_VERIFY_FAILED" in shake_hands(context, trusted, name)
    authority = x509.load_pem_x509_certificate(trusted.read_bytes())
    permitted = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees
    assert permitted is not None
    assert len(permitted) == len(certificate_names(chosen))
    assert {path.name: path.stat().st_mode & 0o777 for path in trusted.parent.iterdir()} == {
        "authority.key": 0o600,
        "authority.pem": 0o644,
        "services.pem": 0o600,
    }


def test_the_authority_stays_while_the_names_do_and_its_certificate_is_renewed_in_time(tmp_path: Path) -> None:
    now = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    made = prepare_certificates(tmp_path / "doors", ["localhost"], now, SEALER)
    before = made.certificate.read_bytes(), made.leaf.read()
    prepare_certificates(tmp_path / "doors", ["localhost"], now + dt.timedelta(days=300), SEALER)
    assert (made.certificate.read_bytes(), made.leaf.read()) == before
    prepare_certificates(tmp_path / "doors", ["localhost"], now + dt.timedelta(days=350), SEALER)
    assert made.certificate.read_bytes() == before[0]
    assert made.leaf.read() != before[1]
    prepare_certificates(tmp_path / "doors", ["localhost", "10.1.2.3"], now, SEALER)
    assert made.certificate.read_bytes() != before[0]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_before_1_2_is_refused(tmp_path: Path) -> None:
    chosen = settings(tmp_path, tls_port=4567)
    context = ListenerCertificate(chosen, system_clock, SEALER).context()
    trusted = own_authority(settings(tmp_path, host="0.0.0.0", tls="own"))
    assert trusted is not None
    assert shake_hands(context, trusted, "localhost", ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        assert "TLSv1" not in shake_hands(context, trusted, "localhost", version).split()


def test_a_given_certificate_is_served_and_another_one_takes_its_place_without_a_restart(tmp_path: Path) -> None:
    certificate, key = pair(tmp_path)
    chosen = settings(tmp_path, tls_port=4567, tls_cert=str(certificate), tls_key=str(key))
    kept = ListenerCertificate(chosen, system_clock, SEALER)
    assert shake_hands(kept.context(), certificate, "reading.example.com") == "TLSv1.3"
    assert kept.renewed() is None
    new_certificate, new_key = pair(tmp_path, "other.example.com", "other")
    new_certificate.rename(certificate)
    new_key.rename(key)
    renewed = kept.renewed()
    assert renewed is not None
    assert shake_hands(renewed, certificate, "other.example.com") == "TLSv1.3"


def test_a_certificate_that_does_not_match_its_key_is_logged_once_and_the_previous_one_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = pair(tmp_path)
    chosen = settings(tmp_path, tls_port=4567, tls_cert=str(certificate), tls_key=str(key))
    kept = ListenerCertificate(chosen, system_clock, SEALER)
    kept.context()
    copy = (chosen.data / "doors" / "given.pem").read_bytes()
    pair(tmp_path, "other.example.com", "other")[0].rename(certificate)
    assert [kept.renewed(), kept.renewed()] == [None, None]
    assert (chosen.data / "doors" / "given.pem").read_bytes() == copy
    assert caplog.text.count("the previous certificate stays in use") == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_may_read_is_refused_with_what_to_run(tmp_path: Path, mode: int) -> None:
    certificate, key = pair(tmp_path)
    key.chmod(mode)
    chosen = settings(tmp_path, tls_port=4567, tls_cert=str(certificate), tls_key=str(key))
    with pytest.raises(ListenAddressError, match=f"mode {mode:04o}.*chmod 600 {key}"):
        take_in(chosen, SEALER)
    assert not (chosen.data / "doors").exists()


def test_files_that_are_missing_locked_or_not_certificates_are_named(tmp_path: Path) -> None:
    certificate, key = pair(tmp_path)
    with pytest.raises(ListenAddressError, match=r"--tls-cert .*nowhere cannot be read"):
        take_in(settings(tmp_path, tls_port=4567, tls_cert=str(tmp_path / "nowhere"), tls_key=str(key)), SEALER)
    plain = serialization.load_pem_private_key(key.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"a password")
    key.write_bytes(plain.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked))
    with pytest.raises(ListenAddressError, match="not a certificate and its key, without a password, in PEM"):
        take_in(settings(tmp_path, tls_port=4567, tls_cert=str(certificate), tls_key=str(key)), SEALER)
    certificate.write_text("hello")
    with pytest.raises(ListenAddressError, match="not a certificate and its key, without a password, in PEM"):
        take_in(settings(tmp_path, tls_port=4567, tls_cert=str(certificate), tls_key=str(key)), SEALER)


def test_the_copy_is_private_and_never_written_through_a_link_of_the_server(tmp_path: Path) -> None:
    certificate, key = pair(tmp_path)
    chosen = settings(tmp_path, tls_port=4567, tls_cert=str(certificate), tls_key=str(key))
    assert take_in(chosen, SEALER)
    assert not take_in(chosen, SEALER)
    kept = chosen.data / "doors" / "given.pem"
    assert kept.stat().st_mode & 0o777 == 0o600
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    kept.unlink()
    kept.parent.rmdir()
    kept.parent.symlink_to(elsewhere)
    with pytest.raises((ListenAddressError, OSError)):
        take_in(chosen, SEALER)
    assert list(elsewhere.iterdir()) == []


def test_a_pipe_in_place_of_the_copy_is_replaced_without_waiting(tmp_path: Path) -> None:
    certificate, key = pair(tmp_path)
    chosen = settings(tmp_path, tls_port=4567, tls_cert=str(certificate), tls_key=str(key))
    assert take_in(chosen, SEALER)
    kept = chosen.data / "doors" / "given.pem"
    before = kept.read_bytes()
    kept.unlink()
    os.mkfifo(kept)
    assert take_in(chosen, SEALER)
    assert kept.is_file()
    assert len(kept.read_bytes()) == len(before)
