"""A ruleset as text: declarations, elements and rules, without nft (which ``test_dataplane_nft.py`` uses)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reading_room.dataplane.rules.compile import compile_host
from reading_room.dataplane.rules.nft_words import comment, name, value
from reading_room.dataplane.rules.nftables import (
    Accept,
    Chain,
    Drop,
    Element,
    Equals,
    Field,
    Goto,
    Hook,
    Icmp,
    KeyType,
    Log,
    Lookup,
    NamedSet,
    Rule,
    Ruleset,
    StateIn,
)
from reading_room.dataplane.rules.semantics import TCP, Packet
from reading_room.dataplane.rules.trace import trace
from tests.worlds.dataplane import small_network

RULESET = Ruleset(
    (
        NamedSet("to_there", (KeyType.ADDRESS, KeyType.PORT), (Element(("10.0.0.1", "80-90"), None, "sgr-1"),), True),
        NamedSet("if_way", (KeyType.DEVICE,), (Element(("e1",), Goto("eg_1")),), value="verdict"),
        NamedSet(
            "to_port",
            (KeyType.MARK, KeyType.ADDRESS),
            (Element(("7", "10.0.0.0/8"), ("10.0.0.1", "80")),),
            value=(KeyType.ADDRESS, KeyType.PORT),
        ),
        NamedSet("su_rate", (KeyType.ADDRESS,), filled="rates"),
        NamedSet("su_count", (KeyType.ADDRESS,), filled="counts"),
    ),
    (
        Chain("eg_1", (Rule((Equals(Field.PORT, "80-90"), StateIn(("established",))), (Accept(),), "sgr-1"),)),
        Chain(
            "pre_x",
            (
                Rule((Lookup((Field.DESTINATION, Field.PORT), "to_there", negated=True),), (Drop(),)),
                Rule((Icmp(8, 0),), (Log(1, "ACCEPT"), Accept())),
            ),
            Hook("filter", "prerouting", -150),
        ),
    ),
)


def test_a_table_is_declared_then_filled() -> None:
    assert RULESET.text().splitlines() == [
        "add table inet vpc",
        "add set inet vpc to_there { type ipv4_addr . inet_service; flags interval; }",
        "add map inet vpc if_way { type ifname : verdict; }",
        "add map inet vpc to_port { type mark . ipv4_addr : ipv4_addr . inet_service; }",
        "add set inet vpc su_rate { type ipv4_addr; flags dynamic; timeout 10s; size 65535; }",
        "add set inet vpc su_count { type ipv4_addr; flags dynamic; size 65535; }",
        "add chain inet vpc eg_1",
        "add chain inet vpc pre_x { type filter hook prerouting priority -150; policy drop; }",
        'add element inet vpc to_there { 10.0.0.1 . 80-90 comment "sgr-1" }',
        'add element inet vpc if_way { "e1" : goto eg_1 }',
        "add element inet vpc to_port { 7 . 10.0.0.0/8 : 10.0.0.1 . 80 }",
        'add rule inet vpc eg_1 th dport 80-90 ct state established accept comment "sgr-1"',
        "add rule inet vpc pre_x ip daddr . th dport != @to_there drop",
        'add rule inet vpc pre_x meta l4proto 1 icmp type 8 icmp code 0 log group 1 prefix "ACCEPT" snaplen 64 accept',
    ]


@pytest.mark.parametrize("key", [("10.0.0.1",), ("10.0.0.1", "80", "1")])
def test_a_key_has_as_many_parts_as_its_set(key: tuple[str, ...]) -> None:
    with pytest.raises(ValueError):
        RULESET.sets[0].key_text(Element(key))


def test_values_are_those_of_a_map_with_as_many_parts() -> None:
    for owner, held in ((RULESET.sets[0], ("10.0.0.1",)), (RULESET.sets[1], ("10.0.0.1",)), (RULESET.sets[2], ("x",))):
        element = replace(owner.elements[0], value=held)
        with pytest.raises(ValueError):
            owner.element_text(element)


@pytest.mark.parametrize(
    ("kind", "text", "written"),
    [
        (KeyType.DEVICE, "e00001", '"e00001"'),
        (KeyType.DEVICE, "e" * 15, f'"{"e" * 15}"'),
        (KeyType.ADDRESS, "10.0.0.1", "10.0.0.1"),
        (KeyType.ADDRESS, "0.0.0.0/0", "0.0.0.0/0"),
        (KeyType.PROTOCOL, "255", "255"),
        (KeyType.PORT, "0-65535", "0-65535"),
        (KeyType.MARK, "4294967295", "4294967295"),
    ],
)
def test_a_value_is_written_as_its_type(kind: KeyType, text: str, written: str) -> None:
    assert value(kind, text) == written


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (KeyType.DEVICE, "e" * 16),
        (KeyType.DEVICE, "0e"),
        (KeyType.DEVICE, ""),
        (KeyType.ADDRESS, "10.0.0"),
        (KeyType.ADDRESS, "10.0.0.1\n"),
        (KeyType.ADDRESS, "10.0.0.0/123"),
        (KeyType.PROTOCOL, "1000"),
        (KeyType.PORT, "100000"),
        (KeyType.PORT, "1-"),
        (KeyType.MARK, "-1"),
        (KeyType.MARK, "1" * 11),
    ],
)
def test_what_is_no_value_of_a_type_is_refused(kind: KeyType, text: str) -> None:
    with pytest.raises(ValueError, match="is not a value of the type"):
        value(kind, text)


@pytest.mark.parametrize("text", ["eg_sg-0job", "abcdefghijkl_" + "x" * 64])
def test_a_name_has_a_prefix_and_an_underscore(text: str) -> None:
    assert name(text) == text


@pytest.mark.parametrize("text", ["eg", "eg_", "_x", "abcdefghijklm_x", "eg_" + "x" * 65, "eg_x y", "EG_x", "eg_x\n"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a name of a set or chain"):
        name(text)


def test_a_comment_has_no_quotes_and_is_short() -> None:
    assert comment("") == ""
    assert comment("ACCEPT ingress: a.b/c_d-e" + "x" * 75) == "ACCEPT ingress: a.b/c_d-e" + "x" * 75
    for text in ('"', "a\n", "x" * 101, "ä"):
        with pytest.raises(ValueError, match="cannot be written as a comment or log prefix"):
            comment(text)


# Traces of a ruleset that the compiler never returns


def walk(map_name: str, element: Element) -> None:
    """Trace a packet through a ruleset whose map has an element of another kind."""
    config = compile_host(small_network())
    router = config.routers[0]
    sets = tuple(replace(each, elements=(element,)) if each.name == map_name else each for each in router.ruleset.sets)
    changed = replace(router, ruleset=replace(router.ruleset, sets=sets))
    trace(replace(config, routers=(changed,)), Packet("vpc-01", "eni-00001", "10.0.2.5", TCP, 80))


def test_a_map_of_another_kind_is_an_error_of_the_compiler_and_no_verdict() -> None:
    device = compile_host(small_network()).routers[0].links[0].name
    with pytest.raises(ValueError, match="if_egress holds no verdicts"):
        walk("if_egress", Element((device,), ("1",)))
    with pytest.raises(ValueError, match="if_mark holds no values"):
        walk("if_mark", Element((device, "10.0.1.5"), Accept()))
