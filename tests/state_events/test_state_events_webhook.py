"""The web hook: what is sent, how it is signed, and what becomes of answers."""

from __future__ import annotations

import datetime as dt
import os
import socket
import threading
from pathlib import Path

import pytest

from reading_room.codec import DocumentError
from reading_room.setting_values import SettingError
from reading_room.settings import Settings
from reading_room.state_events.sender_socket import NAME, Post, Posted, answer_one, ask, listening, read_answer
from reading_room.state_events.webhook import SigningKey, Webhook, allow_list, read_key, webhook_of
from tests.worlds.receiver import KEY_LINE, SECRET, Receiver, key_file, receiver

NOW = dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC)
ASKED = Post("5f0c1d2e-0000-4000-8000-000000000001", '{"detail":{"Status":"COMPLETED"}}')


def webhook(server: Receiver, folder: Path, hosts: str = "127.0.0.1") -> Webhook:
    """Return a web hook with the settings for a receiver."""
    settings = Settings(events_webhook=server.url, events_webhook_key=key_file(folder), webhook_hosts=hosts)
    return webhook_of(settings, lambda: NOW)


def test_a_delivery_is_signed_so_that_receivers_can_verify_it(tmp_path: Path) -> None:
    with receiver() as server:
        assert webhook(server, tmp_path).send(ASKED) == Posted()
    (came,) = server.came
    assert came.body.decode() == ASKED.body
    assert came.headers["content-type"] == "application/json"
    assert came.headers["webhook-id"] == ASKED.event_id
    assert came.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert came.headers["webhook-key-id"] == "first"
    assert came.is_signed_with(SECRET)
    assert not came.is_signed_with(bytes(32))
    came.body += b" "
    assert not came.is_signed_with(SECRET)


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of standardwebhooks.com."""
    import base64

    key = SigningKey("k", base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    body = b'{"test": 2432232314}'
    assert (
        key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_what_is_not_accepted_has_a_reason(tmp_path: Path) -> None:
    with receiver() as server:
        sends, port = webhook(server, tmp_path), server.port
        for answer, posted in (
            (b"HTTP/1.1 500 No\r\n\r\n", Posted("the answer is 500")),
            (b"HTTP/1.1 302 X\r\nLocation: /y\r\n\r\n", Posted("the answer is 302")),
            (b"garbage\r\n\r\n", Posted("its answer is not HTTP", away=True)),
            (b"", Posted("its answer is not HTTP", away=True)),
            (b"HTTP/1.1 200 OK\r\n\r\n", Posted()),
        ):
            server.answer = answer
            assert sends.send(ASKED) == posted
        server.answer = b"HTTP/1.1 307 X\r\nLocation: https://169.254.169.254/\r\n\r\n"
        refused = sends.send(ASKED)
        assert refused == Posted("the address 169.254.169.254 is not on the list of allowed hosts")
    assert sends.send(ASKED) == Posted("Connection refused", away=True)
    assert port


def test_a_receiver_that_hangs_is_away(tmp_path: Path) -> None:
    with receiver() as server:
        server.answer = None
        sends = Webhook(
            server.url, allow_list(Settings(webhook_hosts="127.0.0.1")), read_key(key_file(tmp_path)), lambda: NOW,
            seconds=0.05,
        )  # fmt: skip
        assert sends.send(ASKED).away


@pytest.mark.parametrize(
    ("line", "mode", "says"),
    [
        (KEY_LINE, 0o640, "mode 0600"),
        ("", 0o600, "one line: an id"),
        ("first", 0o600, "one line: an id"),
        ("first whsec_c2hvcnQ=", 0o600, "24 to 64 bytes"),
        ("first whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", 0o600, "24 to 64 bytes"),
        (KEY_LINE * 2, 0o600, "one line: an id"),
    ],
)
def test_a_key_must_be_private_and_long_enough(tmp_path: Path, line: str, mode: int, says: str) -> None:
    with pytest.raises(SettingError, match=says) as refused:
        read_key(key_file(tmp_path, line, mode))
    assert "MfKQ" not in str(refused.value)


def test_a_key_is_in_a_file_and_not_in_a_link_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(key_file(tmp_path))
    for path in (tmp_path / "link", tmp_path, tmp_path / "missing", Path("")):
        with pytest.raises(SettingError, match="READING_ROOM_EVENTS_WEBHOOK_KEY"):
            read_key(str(path) if path != Path("") else "")
    assert "whsec" not in repr(read_key(key_file(tmp_path)))


def test_settings_that_cannot_work_are_refused_without_the_url(tmp_path: Path) -> None:
    key = key_file(tmp_path)
    for hosts, says in (("", "READING_ROOM_EVENTS_WEBHOOK=.*not on the list"), ("a b", "READING_ROOM_WEBHOOK_HOSTS")):
        with pytest.raises(SettingError, match=says) as refused:
            webhook_of(
                Settings(events_webhook="https://a.example/token", events_webhook_key=key, webhook_hosts=hosts),
                lambda: NOW,
            )
        assert "token" not in str(refused.value)


def test_the_process_that_sends_is_asked_over_a_socket_for_its_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    listening(folder).close()  # The socket of a process that was killed is replaced.
    listener = listening(folder)
    assert (folder / NAME).stat().st_mode & 0o077 == 0
    came = []

    def send(asked: Post) -> Posted:
        came.append(asked)
        return Posted("the answer is 500")

    with listener:
        thread = threading.Thread(target=answer_one, args=(listener, send))
        thread.start()
        assert ask(folder, ASKED) == Posted("the answer is 500")
        thread.join()
        assert came == [ASKED]
    assert ask(folder, ASKED).away
    (folder / NAME).unlink()
    assert ask(folder, ASKED) == Posted(
        "the process that sends web hooks (reading-room webhooks) does not run", away=True
    )


@pytest.mark.parametrize("question", [b"", b"{}", b'{"event_id":"1","body":2}', b"x" * 300_000])
def test_the_process_that_sends_ignores_what_is_no_question(tmp_path: Path, question: bytes) -> None:
    with listening(tmp_path) as listener, socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(tmp_path / NAME))
        thread = threading.Thread(target=answer_one, args=(listener, lambda asked: Posted()))
        thread.start()
        try:
            stranger.sendall(question)
            stranger.shutdown(socket.SHUT_WR)
            assert stranger.recv(100) == b""
        except OSError:
            pass  # It did not read all of it.
        thread.join()


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b'{"reason":"","away":1}', b'{"reason":"' + b"x" * 2_000 + b'","away":false}']
)
def test_an_answer_of_another_form_is_none(answer: bytes) -> None:
    with pytest.raises(DocumentError):
        read_answer(answer)


def test_the_socket_is_found_only_where_the_setting_says(tmp_path: Path) -> None:
    assert ask(tmp_path / "nowhere", ASKED).away
    assert os.listdir(tmp_path) == []
