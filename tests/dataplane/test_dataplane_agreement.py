"""Two descriptions of the same promise, compared by the thousand: plain semantics, and the compiled rules walked."""

from __future__ import annotations

from dataplane_worlds import networks, packets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reading_room.dataplane.linux.compile import compile_host, compile_vpc
from reading_room.dataplane.linux.compile.flow_logs import Fate
from reading_room.dataplane.linux.host import HostConfig
from reading_room.dataplane.linux.invariants import check
from reading_room.dataplane.linux.trace import trace
from reading_room.dataplane.semantics import Packet, decide
from reading_room.dataplane.spec import NetworkSpec

FATES = {
    "refused-egress": Fate.REFUSED_EGRESS,
    "refused-ingress": Fate.REFUSED_INGRESS,
    "unrouted": Fate.UNROUTED,
    "spoofed": Fate.SPOOFED,
}


@given(networks(), st.lists(packets(), min_size=8, max_size=8))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_compiled_rules_do_what_the_plain_words_promise(spec: NetworkSpec, sent: list[Packet]) -> None:
    """Outcome, receiver and flow log agree for every packet."""
    config = compile_host(spec)
    logged = {each.interface_id: each.logged for each in spec.vpcs[0].interfaces}
    at = {each.address: each.interface_id for each in spec.vpcs[0].interfaces}
    for packet in sent:
        promised, done = decide(spec, packet), trace(config, packet)
        assert (done.outcome, done.delivered_to) == (promised.outcome, promised.delivered_to), (promised, done.table())
        watched = logged[packet.interface_id]
        if promised.outcome == "refused-ingress":
            watched = watched or logged[at[packet.destination]]
        assert done.reported == (FATES.get(promised.outcome) if watched else None)


@given(networks())
@settings(max_examples=200, deadline=None)
def test_every_compiled_network_keeps_the_invariants(spec: NetworkSpec) -> None:
    """What the compiler makes of any network is accepted by the checks that stand before the kernel."""
    assert check(compile_host(spec), spec) == []


@given(networks(), packets())
@settings(max_examples=200, deadline=None)
def test_a_verdict_always_has_a_sentence(spec: NetworkSpec, packet: Packet) -> None:
    """Whatever happens to a packet, a person is told why."""
    assert decide(spec, packet).sentence


@given(networks(), st.lists(packets(), min_size=8, max_size=8), st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_chains_that_are_kept_for_later_change_no_verdict(
    spec: NetworkSpec, sent: list[Packet], data: st.DataObject
) -> None:
    """A driver keeps the chains of groups that interfaces carried before."""
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
