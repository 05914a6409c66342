"""Who belongs to the installation, as ``serve`` sees it, and the row of its own host."""

from __future__ import annotations

import dataclasses
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.fleet import authority, hosts
from reading_room.fleet.certificates import key_digest
from reading_room.fleet.errors import HostRefused
from reading_room.hosts.joining.errors import JoinError
from reading_room.settings import Settings
from reading_room.wiring.membership import Members
from tests.worlds import databases
from tests.worlds.fleet import NOW, ZONES, new_host

pytestmark = pytest.mark.costs(0.1, reason="keys and certificates are made")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    found = databases.made(tmp_path / "db.sqlite")
    yield found
    found.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a listener for hosts at an address of this machine."""
    return Settings(data=tmp_path, hosts_listen="127.0.0.1:4569")


def test_a_certificate_is_its_hosts_until_that_is_removed(database: Database, settings: Settings) -> None:
    members = Members(settings, database)
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    with database.transaction() as session:
        signer = authority.of_installation(session, system_clock())
        certificate = ssl.PEM_cert_to_DER_cert(signer.sign(key, "h2", system_clock()))
        assert members.identify(certificate) is None
        hosts.admit(session, new_host("h2", public_key=key_digest(key)), ZONES, NOW)
    assert members.identify(certificate) == "h2"
    with database.transaction() as session:
        hosts.remove(session, "h2", NOW)
    assert members.identify(certificate) is None


def test_several_processes_have_the_same_authority_and_certificates_of_their_own(
    database: Database, settings: Settings
) -> None:
    one, other = Members(settings, database).context(), Members(settings, database).context()
    assert one.get_ca_certs() == other.get_ca_certs() != []
    assert one.minimum_version is ssl.TLSVersion.TLSv1_3


def test_a_process_without_an_agent_admits_hosts_once_the_first_one_is_known(
    database: Database, settings: Settings
) -> None:
    assert not Members(settings, database, lambda: None).can_admit()
    with database.transaction() as session:
        hosts.admit(session, new_host("local", public_key=""), ZONES, NOW)
    assert Members(settings, database, lambda: None).can_admit()


def test_this_host_is_described_by_the_settings_and_the_machine(settings: Settings, database: Database) -> None:
    found = Members(dataclasses.replace(settings, hosts_zone="us-east-1b"), database).first()
    assert (found.host, found.zone, found.underlay, found.public_key) == ("local", "us-east-1b", "127.0.0.1", "")
    assert found.cores > 0
    assert found.memory_bytes > 1 << 20


def test_an_address_that_this_host_does_not_have_is_named_with_the_setting(
    settings: Settings, database: Database
) -> None:
    members = Members(dataclasses.replace(settings, hosts_underlay="203.0.113.77"), database)
    with pytest.raises(JoinError, match="READING_ROOM_HOSTS_UNDERLAY"):
        members.first()


def test_an_address_of_a_plain_underlay_is_one_that_the_agent_reports(settings: Settings, database: Database) -> None:
    plain = dataclasses.replace(settings, underlay="plain:/run/netns/under", hosts_underlay="198.51.100.1")
    found = Members(plain, database, addresses=lambda: {"198.51.100.1": 9000}).first()
    assert (found.underlay, found.mtu) == ("198.51.100.1", 9000)
    with pytest.raises(JoinError, match="own host in /run/netns/under: set READING_ROOM_HOSTS_UNDERLAY"):
        Members(plain, database, addresses=dict).first()


def test_the_row_of_this_host_is_renewed_if_there_is_one(settings: Settings, database: Database) -> None:
    members = Members(settings, database)
    members.renew_first()
    with database.transaction() as session:
        assert hosts.every(session) == []
        hosts.admit(session, new_host("local", 1, public_key=""), ZONES, NOW)
    # Loopback is an address of this machine, and other hosts cannot reach it.
    with pytest.raises(HostRefused, match=r"127\.0\.0\.1"):
        members.renew_first()
