"""A new host joins over TLS with a token; whatever is wrong is one sentence, and leaves nothing half joined."""

from __future__ import annotations

import datetime as dt
import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from reading_room.agent.frames import Greeting, send_frame
from reading_room.agent.underlay_addresses import read_addresses
from reading_room.aws.throttling import Buckets
from reading_room.certificate_parts import private_pem
from reading_room.clock import system_clock
from reading_room.codec import encode
from reading_room.fleet import hosts
from reading_room.fleet.certificates import SERVE_NAME, key_digest
from reading_room.hosts.certificate_loading import load_certificate
from reading_room.hosts.joining import admission
from reading_room.hosts.joining.documents import AuthorityWanted, NotWelcome, Question, read_answer
from reading_room.hosts.joining.errors import JoinError
from reading_room.hosts.joining.host import join
from reading_room.hosts.joining.host_folder import HostFolder
from reading_room.hosts.joining.tls import client_context
from tests.worlds import databases
from tests.worlds.joining import Installation, description, installation, of_serve

pytestmark = pytest.mark.costs(0.15, reason="keys are made, and two connections with TLS")
JOINED = {"host.key": 0o600, "host.pem": 0o600, "authority.pem": 0o600, "joined.json": 0o600}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Installation]:
    """An installation that hosts can join."""
    database = databases.made(tmp_path / "db.sqlite")
    with installation(database) as found:
        yield found
    database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data folder of a new host."""
    return tmp_path / "new"


def files(folder: Path) -> dict[str, int]:
    """Return the files of a host with their modes."""
    return {path.name: path.stat().st_mode & 0o777 for path in (folder / "host").iterdir()}


def refused(home: Installation, folder: Path, *arguments: Any, **more: Any) -> str:
    """Join in vain; check that no further host has joined, and return the sentence."""
    before = [row.host for row in home.rows()]
    with pytest.raises(JoinError) as caught:
        home.join(folder, *arguments, **more)
    assert [row.host for row in home.rows()] == before
    return str(caught.value)


def test_a_host_gets_its_number_and_the_host_of_serve_gets_the_first_one(home: Installation, folder: Path) -> None:
    joined = home.join(folder, home.invitation())
    first, second = home.rows()
    assert (first.host, first.number, first.public_key) == ("local", 1, "")
    assert (second.host, second.number, second.zone, second.underlay) == ("reader-2", 2, "us-east-1b", "10.0.0.2")
    assert (second.mtu, second.cores, second.labels) == (1500, 4, {"disk": "ssd"})
    assert (joined.number, joined.region, joined.server) == (2, "us-east-1", f"127.0.0.1:{home.port}")
    assert files(folder) == JOINED
    assert (folder / "host").stat().st_mode & 0o777 == 0o700


def test_the_joined_host_proves_its_key_to_serve_and_is_nobody_once_it_leaves(home: Installation, folder: Path) -> None:
    home.join(folder, home.invitation())
    assert home.seen == [None, None]
    ask(home, HostFolder.of(folder).context())
    digest = key_digest(HostFolder.of(folder).key().public_key())
    assert home.seen[-1] == digest
    with home.database.transaction() as session:
        row = hosts.of_key(session, digest)
        assert row is not None
        assert row.host == "reader-2"
        hosts.remove(session, "reader-2", dt.datetime.now(dt.UTC))
        assert hosts.of_key(session, digest) is None


def ask(home: Installation, context: ssl.SSLContext) -> None:
    """Connect to ``serve`` as a link does, and ask something that needs no certificate."""
    with (
        socket.create_connection(("127.0.0.1", home.port)) as plain,
        context.wrap_socket(plain, server_hostname=SERVE_NAME) as connection,
    ):
        send_frame(connection, encode(Question(Greeting(), AuthorityWanted())))
        assert connection.recv(1)


def test_a_certificate_of_another_authority_opens_no_connection(home: Installation, tmp_path: Path) -> None:
    database = databases.made(tmp_path / "other.sqlite")
    with installation(database) as other:
        other.join(tmp_path / "b", other.invitation())
    database.close()
    theirs = HostFolder.of(tmp_path / "b")
    context = client_context(home.authority.pem)
    load_certificate(context, (theirs.path / "host.pem").read_bytes() + private_pem(theirs.key()))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(home, context)
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(home, theirs.context())


def test_no_host_can_pose_as_serve(home: Installation) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    # Even one whose name is the server's.
    pem = home.authority.sign(key.public_key(), "serve", system_clock()).encode() + private_pem(key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_certificate(server, pem)
    client = client_context(home.authority.pem)
    for name in (SERVE_NAME, "serve.host.hosts.reading-room.internal"):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        ours = client.wrap_bio(outgoing, incoming, server_hostname=name)
        theirs = server.wrap_bio(incoming, outgoing, server_side=True)
        with pytest.raises(ssl.SSLWantReadError):
            ours.do_handshake()
        with pytest.raises(ssl.SSLWantReadError):
            theirs.do_handshake()
        with pytest.raises(ssl.SSLCertVerificationError):
            ours.do_handshake()


def test_a_join_that_was_interrupted_is_repeated_with_the_same_token(home: Installation, folder: Path) -> None:
    token = home.invitation()
    joined = home.join(folder, token)
    for lost in ("joined.json", "authority.pem", "host.pem"):
        # What a host has on its disk that was killed while it wrote.
        (folder / "host" / lost).unlink()
        assert HostFolder.of(folder).joined() is None or lost != "joined.json"
        assert home.join(folder, token) == joined
    assert files(folder) == JOINED
    assert [row.number for row in home.rows()] == [1, 2]


@pytest.mark.parametrize("planted", ["the folder as a link", "the record as a link", "a pipe"])
def test_the_record_is_read_through_no_link_and_only_as_a_plain_file(
    home: Installation, folder: Path, tmp_path: Path, planted: str
) -> None:
    """Root reads it for its agent, and the user of the link owns the data folder."""
    home.join(folder, home.invitation())
    record, elsewhere = folder / "host" / "joined.json", tmp_path / "elsewhere"
    if planted == "the folder as a link":
        record.parent.rename(elsewhere)
        record.parent.symlink_to(elsewhere)
    else:
        record.rename(elsewhere)
    if planted == "the record as a link":
        record.symlink_to(elsewhere)
    if planted == "a pipe":
        os.mkfifo(record)
    with pytest.raises(JoinError, match="cannot be read"):
        HostFolder.of(folder).joined()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_record_of_another_user_than_the_data_folder_s_is_refused(home: Installation, folder: Path) -> None:
    home.join(folder, home.invitation())
    os.chown(folder / "host" / "joined.json", 65_000, 65_000)
    with pytest.raises(JoinError, match="belongs to user id 65000"):
        HostFolder.of(folder).joined()


def test_a_token_that_was_used_lets_no_other_host_join(home: Installation, folder: Path, tmp_path: Path) -> None:
    token = home.invitation()
    home.join(folder, token)
    assert "has been used by the host reader-2" in refused(home, tmp_path / "b", token, "reader-3", 3)
    assert not (tmp_path / "b" / "host" / "joined.json").exists()


def test_a_late_token_is_refused(home: Installation, folder: Path) -> None:
    token = home.invitation()
    with home.database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE host_tokens SET expires_at = '2026-01-01 00:00:00.000000'")
    assert "expired at 2026-01-01 00:00:00 UTC" in refused(home, folder, token)
    assert home.rows() == []


def test_a_second_host_of_the_same_name_is_refused_and_its_token_stays_usable(
    home: Installation, folder: Path, tmp_path: Path
) -> None:
    home.join(folder, home.invitation())
    token = home.invitation()
    for name in ("reader-2", "local"):
        assert f"The name '{name}' cannot be used" in refused(home, tmp_path / "b", token, name, 3)
    assert home.join(tmp_path / "b", token, "reader-3", 3).number == 3


def test_an_address_that_another_host_has_is_refused(home: Installation, folder: Path) -> None:
    assert "the host local has it" in refused(home, folder, home.invitation(), "reader-2", 1)
    assert home.rows() == []


def test_an_address_that_does_not_exist_on_the_host_is_refused_before_anything_is_sent(
    home: Installation, folder: Path
) -> None:
    assert read_addresses()["127.0.0.1"] >= 1500
    with pytest.raises(JoinError, match=r"203\.0\.113\.77 is on no network interface of this host"):
        join(HostFolder.of(folder), home.invitation(), description(underlay="203.0.113.77"))
    assert home.seen == []


@pytest.mark.parametrize(("seconds", "says"), [(3600, "3,600 s ahead of"), (-61.5, "behind"), (1e9, "ahead of")])
def test_a_wrong_clock_is_refused(home: Installation, folder: Path, seconds: float, says: str) -> None:
    wrong = refused(home, folder, home.invitation(), clock=lambda: system_clock() + dt.timedelta(seconds=seconds))
    assert says in wrong
    assert "set both by NTP" in wrong


def test_the_token_of_another_installation_is_refused_by_the_host(home: Installation, folder: Path) -> None:
    token = replace(home.invitation(), fingerprint="0" * 64)
    assert "belongs to another installation" in refused(home, folder, token)
    assert not (folder / "host").exists()


def test_a_folder_of_a_host_of_another_installation_or_name_is_refused(home: Installation, folder: Path) -> None:
    home.join(folder, home.invitation())
    elsewhere = replace(home.invitation(), fingerprint="0" * 64)
    assert "the host reader-2 of another installation" in refused(home, folder, elsewhere)
    assert "the host reader-2 of this installation" in refused(home, folder, home.invitation(), "reader-3", 3)


def test_where_nothing_listens_the_setting_is_named(home: Installation, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    says = refused(home, folder, replace(home.invitation(), port=port))
    assert f"set READING_ROOM_HOSTS_LISTEN=127.0.0.1:{port} where serve runs" in says


def test_the_server_refuses_if_its_own_host_cannot_be_one_of_several(tmp_path: Path, folder: Path) -> None:
    def broken() -> Any:
        return replace(of_serve(), mtu=100)

    database = databases.made(tmp_path / "db.sqlite")
    with installation(database, broken) as home:
        assert "The server's own host cannot be one of several: The MTU 100" in refused(home, folder, home.invitation())
    database.close()


def answered(home: Installation, document: bytes, address: str = "10.0.0.9") -> str:
    """Return the refusal of a question."""
    body = read_answer(home.admission.answer(document, address)).body
    assert isinstance(body, NotWelcome)
    return body.message


def test_an_old_version_is_refused_before_anything_else_is_read(home: Installation) -> None:
    old = b'{"program": {"program": "0.0.9", "documents": 1}, "wanted": "what old programs said"}'
    assert "version 0.0.9, and the server's has 0.1.0: install version 0.1.0" in answered(home, old)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{}",
        b'{"program": {"program": "0.1.0", "documents": 1}}',
        b'{"program": {"program": "new", "documents": 1}, "wanted": {"type": "AuthorityWanted"}}',
        b'{"program": {"program": "0.1.0", "documents": 1}, "wanted": {"type": "Welcome"}}',
    ],
)
def test_what_cannot_be_read_is_refused(home: Installation, document: bytes) -> None:
    assert "cannot read what this host asks" in answered(home, document)


def test_an_address_that_asks_too_often_has_to_wait_and_others_do_not(tmp_path: Path) -> None:
    database = databases.made(tmp_path / "db.sqlite")
    with installation(database, buckets=Buckets(lambda: 0.0)) as home:
        question = encode(Question(Greeting(), AuthorityWanted()))
        for _ in range(int(admission.OF_ONE.burst)):
            assert not isinstance(read_answer(home.admission.answer(question, "10.0.0.9")).body, NotWelcome)
        assert "try again in a minute" in answered(home, question)
        assert not isinstance(read_answer(home.admission.answer(question, "10.0.0.8")).body, NotWelcome)
    database.close()
