"""Where the console listens, the names that it answers to, and impossible settings."""

from __future__ import annotations

import pytest

from reading_room.console.listen_address import Origins, console_address, console_url
from reading_room.hosts.listen_addresses import ListenAddressError
from reading_room.settings import Settings


def settings_of(**given: object) -> Settings:
    """Settings of no environment."""
    return Settings.from_environment({}, **given)


def test_it_is_next_to_the_apis_and_never_at_their_origin() -> None:
    assert console_url(settings_of()) == "http://127.0.0.1:4567/"
    assert console_url(Settings.from_environment({"READING_ROOM_CONSOLE_PORT": "5000"})) == "http://127.0.0.1:5000/"
    origins = Origins.of(settings_of())
    assert origins.apis == {
        "http://localhost:4567": "http://localhost:4566",
        "http://127.0.0.1:4567": "http://127.0.0.1:4566",
        "http://[::1]:4567": "http://localhost:4566",
    }
    assert not set(origins.apis) & set(origins.apis.values())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"console_port": 4566}, "--port and --console-port are both 4566"),
        ({"tls_port": 4567}, "--tls-port and --console-port are both 4567"),
    ],
)
def test_a_port_of_the_apis_is_refused(given: dict[str, object], says: str) -> None:
    with pytest.raises(ListenAddressError, match=says):
        console_address(settings_of(**given))


def test_it_can_be_off() -> None:
    off = settings_of(console_port=0)
    assert (console_address(off), console_url(off), dict(Origins.of(off).apis)) == (None, None, {})


def test_beyond_loopback_it_has_https_and_the_names_in_the_settings() -> None:
    wide = settings_of(host="0.0.0.0", tls="own", tls_names="Reading.example.com,10.1.2.3,2001:db8::5")
    listen_address = console_address(wide)
    assert listen_address is not None
    assert listen_address.url == "https://0.0.0.0:4567"
    assert console_url(wide) == "https://127.0.0.1:4567/"
    assert Origins.of(wide).by_authority() == {
        f"{name}:4567": f"https://{api}:4566"
        for name, api in (
            ("localhost", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "localhost"),
            ("reading.example.com", "reading.example.com"),
            ("10.1.2.3", "10.1.2.3"),
        )
    }
    given = settings_of(host="0.0.0.0", tls_cert="a", tls_key="b", tls_names="reading.example.com")
    assert console_url(given) == "https://reading.example.com:4567/"


def test_an_origin_leaves_out_the_schemes_default_port() -> None:
    assert "http://127.0.0.1" in Origins.of(settings_of(console_port=80)).apis
    assert "https://10.1.2.3" in Origins.of(settings_of(console_port=443, host="10.1.2.3", tls="own")).apis
    assert "http://127.0.0.1:443" in Origins.of(settings_of(console_port=443)).apis


def test_an_ipv6_address_beyond_loopback_needs_a_name_for_the_pages() -> None:
    with pytest.raises(ListenAddressError, match="READING_ROOM_TLS_NAMES"):
        console_address(settings_of(host="2001:db8::1", tls="own"))
    named = settings_of(host="2001:db8::1", tls="own", tls_names="reading.example.com")
    assert console_url(named) == "https://reading.example.com:4567/"
    assert console_url(settings_of(host="::1")) == "http://[::1]:4567/"
    assert console_address(settings_of(host="2001:db8::1", tls="own", console_port=0)) is None
