"""What a WireGuard device should have, and the text that configures it."""

from __future__ import annotations

import pytest

from reading_room.dataplane.rules.compile import compile_host
from reading_room.dataplane.rules.encryption import (
    Changes,
    FoundDevice,
    Peer,
    WireGuardError,
    carried_mtu,
    changes,
    disagreement,
    inner_address,
    key_text,
    peers,
    read_answer,
    request,
    tunnel_end,
)
from reading_room.dataplane.rules.underlay import underlay_rules
from reading_room.dataplane.spec import LEAST_UNDERLAY_MTU, TUNNEL_OVERHEAD, HostPlace, NetworkSpec, Underlay
from tests.worlds.dataplane import small_network

KEYS = tuple(key_text(bytes((number,)) * 32) for number in (1, 2, 3))
A, B, C = (HostPlace("abc"[n], n + 1, f"192.0.2.{n + 1}", KEYS[n], 51820) for n in range(3))
PRIVATE = bytes(range(32))


def test_tunnels_end_inside_the_encryption() -> None:
    """The devices, and the rules of the namespace, know only addresses that belong to keys."""
    whole = small_network()
    spec = NetworkSpec(whole.vpcs, whole.prefix_lists, Underlay(A, (B,), 1500))
    tunnel = compile_host(spec).routers[0].tunnel
    assert tunnel is not None
    assert (tunnel.underlay, tunnel.mtu) == ("169.254.32.1", 1500 - 60 - 50)
    rules = underlay_rules(spec.underlay).text()
    assert "169.254.32.2" in rules
    assert "192.0.2" not in rules
    assert tunnel_end(HostPlace("b", 2, "192.0.2.2")) == "192.0.2.2"


@pytest.mark.parametrize(
    ("mtu", "carried"), [(LEAST_UNDERLAY_MTU, 640), (1500, 1440), (1499, 1424), (9000, 8928), (9061, 8992)]
)
def test_encrypted_packets_are_a_multiple_of_16_and_fit(mtu: int, carried: int) -> None:
    assert carried_mtu(Underlay(A, (B,), mtu)) == carried
    assert carried + 60 <= mtu
    assert carried >= 576 + TUNNEL_OVERHEAD


def test_the_inner_addresses_of_all_hosts_differ() -> None:
    assert len({inner_address(number) for number in range(1, 4095)}) == 4094
    with pytest.raises(ValueError, match="a host's number is from 1 to 4094, not 4095"):
        inner_address(4095)


def test_only_what_differs_is_changed() -> None:
    """A peer's address stays as it is, since WireGuard follows a peer that moves, until the spec has another one."""
    wanted = peers(Underlay(A, (B, C), 1500))
    there = FoundDevice(PRIVATE, 51820, {each.key: (f"{each.inner}/32",) for each in wanted})
    assert not changes(there, PRIVATE, 51820, wanted, wanted)
    moved = (Peer(B.key, "192.0.2.77", 51820, "169.254.32.2"),)
    assert changes(there, PRIVATE, 51820, moved, wanted) == Changes(put=moved, remove=(C.key,))
    meddled = FoundDevice(bytes(32), 9, {B.key: ("0.0.0.0/0",), C.key: ("169.254.32.3/32",)})
    assert changes(meddled, PRIVATE, 51820, wanted, wanted) == Changes(PRIVATE, 51820, put=wanted[:1])


def test_hosts_must_agree_about_encryption() -> None:
    plain = HostPlace("b", 2, "192.0.2.2")
    assert disagreement(Underlay(A, (B, C), 1500), encrypted=True) == ""
    assert disagreement(Underlay(A, (plain,), 1500), encrypted=True).startswith("b has no key")
    assert disagreement(Underlay(plain, (A,), 1500), encrypted=False).startswith("a encrypts what it sends")
    assert disagreement(Underlay(plain, (A,), 1500), encrypted=True).startswith("the other hosts know no key")


def test_the_text_that_configures_the_program() -> None:
    text = request(Changes(PRIVATE, 51820, put=peers(Underlay(A, (B,), 1500)), remove=(C.key,))).decode()
    assert text == (
        f"set=1\nprivate_key={PRIVATE.hex()}\nlisten_port=51820\n"
        f"public_key={'03' * 32}\nremove=true\n"
        f"public_key={'02' * 32}\nendpoint=192.0.2.2:51820\npersistent_keepalive_interval=25\n"
        "replace_allowed_ips=true\nallowed_ip=169.254.32.2/32\n\n"
    )


def test_the_programs_answer_is_read() -> None:
    head = f"private_key={PRIVATE.hex()}\nlisten_port=7\n"
    peer = f"public_key={'02' * 32}\nendpoint=192.0.2.2:1\nallowed_ip=169.254.32.2/32\n"
    assert read_answer(f"{head}{peer}errno=0\n\n".encode()) == FoundDevice(PRIVATE, 7, {B.key: ("169.254.32.2/32",)})


@pytest.mark.parametrize(
    "answer", [b"", b"errno=-22\n\n", b"private_key=00\nerrno=0\n\n", b"what\nerrno=0\n\n", b"\xff"]
)
def test_an_answer_that_cannot_be_used_is_refused_without_being_quoted(answer: bytes) -> None:
    with pytest.raises(WireGuardError) as refused:
        read_answer(answer)
    assert "private_key" not in str(refused.value)
