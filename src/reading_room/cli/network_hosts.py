"""On which hosts a packet is judged, for ``network trace`` with several hosts."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from reading_room.dataplane.rules.compile import compile_host
from reading_room.dataplane.rules.trace import Trace, trace
from reading_room.dataplane.rules.verdicts import Inbound, Packet, Verdict
from reading_room.dataplane.spec import NetworkSpec
from reading_room.fleet import members
from reading_room.vpc.host_networks import HostNetworks


class PacketHosts:
    """The hosts of interfaces and of the VPCs' ways out; nothing if there is only one host."""

    def __init__(self, session: Session) -> None:
        hosts = members.read(session)
        self._networks = HostNetworks(session, hosts) if hosts else None

    def ends(self, packet: Packet | Inbound, verdict: Verdict) -> tuple[str, str]:
        """Return the host that judges a packet first, and the one that does last; empty if that is no certain host."""
        if self._networks is None:
            return "", ""
        first = self._first(packet)
        last = self._networks.host_of(verdict.delivered_to)
        if last is None:
            # Every host has the listeners of all endpoints; only one has the way out.
            last = self._way_out(packet.vpc_id) if verdict.outcome == "left" else first
        return first or "", last or ""

    def met(self, whole: NetworkSpec, packet: Packet | Inbound) -> Trace:
        """Return the rules that a packet meets, on all hosts on its way."""
        first = self._first(packet)
        if self._networks is None or first is None:
            return trace(compile_host(whole), packet)
        configs, places = {}, {}
        for host, spec in self._networks.specs(self._networks.owners).items():
            one = replace(spec, vpcs=tuple(vpc for vpc in spec.vpcs if vpc.vpc_id == packet.vpc_id))
            if one.vpcs and one.underlay is not None:
                places[host] = one.underlay.here.underlay
                configs[places[host]] = compile_host(one)
        return trace(configs[places[first]], packet, configs) if first in places else trace(compile_host(whole), packet)

    def _first(self, packet: Packet | Inbound) -> str | None:
        if self._networks is None:
            return None
        if isinstance(packet, Inbound):
            return self._way_out(packet.vpc_id)
        return self._networks.host_of(packet.interface_id)

    def _way_out(self, vpc_id: str) -> str | None:
        owner = None if self._networks is None else self._networks.owners.get(vpc_id)
        return None if owner is None else owner.host
