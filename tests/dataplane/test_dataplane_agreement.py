"""The plain semantics and the compiled rules, compared for thousands of random networks and packets."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reading_room.dataplane.rules.compile import compile_host, compile_vpc
from reading_room.dataplane.rules.compile.flow_logs import Fate
from reading_room.dataplane.rules.host import HostConfig
from reading_room.dataplane.rules.invariants import check
from reading_room.dataplane.rules.semantics import Inbound, Packet, Verdict, decide
from reading_room.dataplane.rules.trace import Trace, trace
from reading_room.dataplane.spec import NetworkSpec
from tests.worlds.dataplane import Seeded, any_network, any_packet, traffic

FATES = {
    "refused-egress": Fate.REFUSED_EGRESS,
    "refused-ingress": Fate.REFUSED_INGRESS,
    "unrouted": Fate.UNROUTED,
    "spoofed": Fate.SPOOFED,
    "unanswered": Fate.UNANSWERED,
}
WORLDS = 2_000
PACKETS = 12


def expected_report(spec: NetworkSpec, packet: Packet | Inbound, verdict: Verdict) -> Fate | None:
    """Return what the flow log must say of a packet that ended in a router. The hops tell the interface."""
    logged = {(vpc.vpc_id, each.interface_id): each.logged for vpc in spec.vpcs for each in vpc.interfaces}
    if verdict.outcome not in FATES:
        return None
    entered = isinstance(packet, Inbound) or any(hop.kind == "internet-gateway" for hop in verdict.hops)
    watched = not entered and isinstance(packet, Packet) and logged[packet.vpc_id, packet.interface_id]
    if verdict.outcome in ("refused-ingress", "unanswered") and verdict.hops:
        last = verdict.hops[-1]
        watched = watched or logged.get((last.vpc_id, last.component_id), False)
    return FATES[verdict.outcome] if watched else None


def compare(spec: NetworkSpec, packet: Packet | Inbound, promised: Verdict, done: Trace) -> None:
    """Check that outcome, receiver, the source that it sees, the way back and the flow log agree."""
    assert (done.outcome, done.delivered_to, done.source, done.answered, done.reported) == (
        promised.outcome,
        promised.delivered_to,
        promised.source,
        promised.answered,
        expected_report(spec, packet, promised),
    ), (packet, promised, done.table())


Traffic = tuple[NetworkSpec, list[Packet | Inbound]]


@given(traffic())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_compiled_rules_do_what_the_plain_words_promise(found: Traffic) -> None:
    spec, sent = found
    config = compile_host(spec)
    assert check(config, spec) == []
    for packet in sent:
        compare(spec, packet, decide(spec, packet), trace(config, packet))


def agree(seeds: Iterable[int]) -> None:
    """Compare the networks of these seeds. Check also that the invariants hold, and that verdicts have a sentence."""
    for seed in seeds:
        choose = Seeded(seed)
        spec = any_network(choose)
        config = compile_host(spec)
        assert check(config, spec) == [], seed
        for _ in range(PACKETS):
            packet = any_packet(choose, spec)
            verdict = decide(spec, packet)
            assert verdict.sentence, (seed, packet)
            compare(spec, packet, verdict, trace(config, packet))


@pytest.mark.costs(2.5, reason="500 networks are compiled and compared")
@pytest.mark.parametrize("part", range(4))
def test_they_agree_about_thousands_of_networks(part: int) -> None:
    agree(range(part, WORLDS, 4))


@pytest.mark.fuzz
@pytest.mark.parametrize("part", range(1, 41))
def test_they_agree_about_a_hundred_thousand_networks(part: int) -> None:
    agree(range(part * 2_500, (part + 1) * 2_500))


@given(traffic(), st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_chains_that_are_kept_for_later_change_no_verdict(found: Traffic, data: st.DataObject) -> None:
    """A driver keeps the chains of groups that interfaces had earlier."""
    spec, sent = found
    vpc = spec.vpcs[0]
    groups = st.sampled_from([group.group_id for group in vpc.groups] or ["sg-00000000000000000"])
    combinations = st.sets(groups, min_size=1, max_size=3).map(lambda chosen: tuple(sorted(chosen)))
    kept = data.draw(st.frozensets(combinations, max_size=3))
    plain = HostConfig((compile_vpc(vpc, spec.prefix_lists),))
    keeping = HostConfig((compile_vpc(vpc, spec.prefix_lists, kept),))
    only = NetworkSpec((vpc,), spec.prefix_lists)
    assert check(keeping, only) == []
    for packet in sent:
        assert trace(keeping, packet) == trace(plain, packet)
