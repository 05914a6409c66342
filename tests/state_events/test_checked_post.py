"""Requests to hosts that the operator allowed, and to no others, over the address that was checked."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from reading_room.checked_post import AllowList, Answer, PostRefused, check_url, post, read_answer
from reading_room.fleet.certificates import SERVE_NAME, HostAuthority, make
from tests.worlds.receiver import receiver

LOOPBACK = AllowList.parse("127.0.0.0/8")
SECONDS = 20.0


def refusal(url: str, allowed: AllowList, addresses: Sequence[str] = ()) -> str:
    """Return why a request is refused."""
    with pytest.raises(PostRefused) as refused:
        post(url, b"{}", {}, allowed, seconds=SECONDS, resolve=lambda host, port: addresses)
    return str(refused.value)


def redirect(to: str, status: int = 307) -> bytes:
    return f"HTTP/1.1 {status} Elsewhere\r\nLocation: {to}\r\n\r\n".encode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hooks.example.com",
        " A.example , b.example",
        "10.1.2.3,10.0.0.0/8",
        "::1",
        "fd00::/8",
        "localhost",
        "xn--a.b",
    ],
)
def test_an_allow_list_is_read_and_written_again(text: str) -> None:
    read = AllowList.parse(text)
    assert AllowList.parse(str(read)) == read


@pytest.mark.parametrize(
    "text", ["10.0.0.1/8", "300.1.2.3", "a b", "http://a.example", "*.example.com", "a..b", "é.fr", "-"]
)
def test_a_wrong_entry_of_an_allow_list_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a host, an address or a network"):
        AllowList.parse(f"good.example,{text}")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://other.example/x", "other.example is not on the list"),
        ("https://sub.hooks.example/x", "sub.hooks.example is not on the list"),
        ("https://10.2.3.4/", "10.2.3.4 is not on the list"),
        ("http://hooks.example/", "http instead of https"),
        ("ftp://hooks.example/", "not that of a host with https"),
        ("https:///x", "not that of a host"),
        ("https://hooks.example:0/", "not that of a host"),
        ("https://hooks.example:99999/", "cannot be read"),
        ("https://me:secret@hooks.example/", "user name or a password"),
        ("https://hooks.example/a b", "characters"),
        ("https://hooks.example/\r\nX: y", "characters"),
        ("https://hooks.example%00.evil/", "characters"),
    ],
)
def test_a_url_that_is_not_allowed_is_refused_without_its_secrets(url: str, says: str) -> None:
    allowed = AllowList.parse("hooks.example,10.1.0.0/16")
    with pytest.raises(PostRefused, match=says) as refused:
        check_url(url, allowed)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1", "::ffff:10.0.0.1"),
        *("64:ff9b::a00:1", "2002:a00:1::", "198.18.0.1"),
    ],
)
def test_a_name_must_not_lead_to_an_address_that_is_not_public(address: str) -> None:
    allowed = AllowList.parse("hooks.example")
    assert "is not public" in refusal("https://hooks.example/", allowed, [address])
    # A public address beside it changes nothing.
    assert "is not public" in refusal("https://hooks.example/", allowed, ["192.0.2.1", address][::-1])


def test_the_operator_may_allow_a_network_that_is_not_public() -> None:
    with receiver() as server:
        url = f"http://localhost:{server.port}/x?y=1"
        allowed = AllowList.parse("localhost,127.0.0.1")
        assert post(url, b"{}", {"A": "b"}, allowed, seconds=SECONDS, resolve=lambda *_: ["127.0.0.1"]).status == 204
        assert (server.came[0].path, server.came[0].headers["host"]) == ("/x?y=1", f"localhost:{server.port}")
        assert "is not public" in refusal(url, AllowList.parse("localhost"), ["127.0.0.1"])


def test_a_name_is_resolved_once_and_the_connection_goes_to_that_address() -> None:
    asked = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        """Answer with the allowed address once, and then with another one."""
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.99"]

    with receiver() as server:
        allowed = AllowList.parse("localhost,127.0.0.1")
        post(f"http://localhost:{server.port}/", b"{}", {}, allowed, seconds=SECONDS, resolve=rebinding)
        assert (asked, len(server.came)) == (["localhost"], 1)


@pytest.mark.costs(0.3, reason="keys are made")
def test_https_is_verified_for_the_name_of_the_host(tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    authority: HostAuthority = make(now)
    (tmp_path / "serve.pem").write_bytes(authority.serve_pem(now))
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(tmp_path / "serve.pem")
    trusting = ssl.create_default_context(cadata=authority.pem)
    allowed = AllowList.parse(f"{SERVE_NAME},other.example,127.0.0.1")
    with receiver(served) as server:

        def sent(host: str, context: ssl.SSLContext | None) -> int:
            url = f"https://{host}:{server.port}/"
            return post(
                url, b"{}", {}, allowed, seconds=SECONDS, resolve=lambda *_: ["127.0.0.1"], context=context
            ).status

        assert sent(SERVE_NAME, trusting) == 204
        assert server.came[0].headers["host"] == f"{SERVE_NAME}:{server.port}"
        for host, context in (("other.example", trusting), ("127.0.0.1", trusting), (SERVE_NAME, None)):
            with pytest.raises(ssl.SSLError):
                sent(host, context)
        assert len(server.came) == 1


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_that_repeats_the_post_is_followed_to_an_allowed_host(status: int) -> None:
    with receiver() as first, receiver() as second:
        first.answer = redirect(second.url, status)
        assert post(first.url, b"{}", {}, LOOPBACK, seconds=SECONDS) == Answer(204)
        assert [each.body for each in second.came] == [b"{}"]


@pytest.mark.parametrize("status", [301, 302, 303])
def test_other_redirects_are_not_followed(status: int) -> None:
    with receiver() as first, receiver() as second:
        first.answer = redirect(second.url, status)
        assert post(first.url, b"{}", {}, LOOPBACK, seconds=SECONDS).status == status
        assert second.came == []


def test_a_redirect_to_another_host_or_a_private_address_is_refused() -> None:
    with receiver() as server:
        for target, says in (
            ("https://169.254.169.254/latest/meta-data", "169.254.169.254 is not on the list"),
            ("http://10.0.0.1/", "http instead of https"),
            ("https://evil.example/", "evil.example is not on the list"),
            ("https://named.example/", "127.1.2.3 of named.example is not public"),
            ("//[", "cannot be read"),
        ):
            server.answer = redirect(target)
            allowed = AllowList.parse("127.0.0.1,named.example")
            assert says in refusal(server.url, allowed, ["127.1.2.3"])
        server.answer = redirect("/round-and-round")
        assert "more than 3 times" in refusal(server.url, LOOPBACK)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello\n\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 99999 X\r\n\r\n",
        b"\x00" * 40_000,
        b"HTTP/1.1 204" * 4_000,
    ],
)
def test_garbage_is_no_answer(answer: bytes) -> None:
    with receiver() as server:
        server.answer = answer
        with pytest.raises(OSError):
            post(server.url, b"{}", {}, LOOPBACK, seconds=SECONDS)


def test_no_more_is_read_of_an_answer_than_its_head() -> None:
    with receiver() as server:
        server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 1_000_000
        assert post(server.url, b"{}", {}, LOOPBACK, seconds=SECONDS).status == 200


def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    with receiver() as server:
        server.answer = None
        with pytest.raises(TimeoutError):
            post(server.url, b"{}", {}, LOOPBACK, seconds=0.05)


def test_a_server_that_sends_byte_by_byte_is_given_up_in_time() -> None:
    """Each byte comes in time; all of them together do not."""
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                while True:
                    connection.send(b"H")

        threading.Thread(target=drip, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(TimeoutError):
            post(url, b"{}", {}, LOOPBACK, seconds=40, clock=clock)


def test_a_name_that_is_not_resolved_in_time_or_at_all_is_an_error() -> None:
    release = threading.Event()

    def slow(host: str, port: int) -> Sequence[str]:
        release.wait()
        return []

    def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror("no such name")

    allowed = AllowList.parse("hooks.example")
    with pytest.raises(OSError, match="was not resolved in time"):
        post("https://hooks.example/", b"", {}, allowed, seconds=0.02, resolve=slow, clock=lambda: 0.0)
    release.set()
    for resolve, says in ((unknown, "cannot be resolved"), (lambda *_: [], "has no address")):
        with pytest.raises(OSError, match=says):
            post("https://hooks.example/", b"", {}, allowed, seconds=SECONDS, resolve=resolve)


def test_a_location_with_strange_characters_is_none() -> None:
    assert read_answer(b"HTTP/1.1 307 X\r\nLocation: /a\x01b\r\n\r\n") == Answer(307)
    assert read_answer(b"HTTP/1.1 307 X\r\nLocation: /a\r\n\r\n") == Answer(307, "/a")
