"""What a spec places on a host: a host that was taken over can speak for this, and for nothing else."""

from __future__ import annotations

from reading_room.agent.spec import HostSpec
from reading_room.dataplane.rules.compile import listener_labels
from reading_room.dataplane.spec import ListenerLabel, Vpc


class Placed:
    """The VPCs, interfaces and listeners of the spec of one host."""

    def __init__(self, spec: HostSpec | None = None) -> None:
        """Without a spec, nothing is placed on the host."""
        vpcs = () if spec is None else spec.network.vpcs
        self.generation = 0 if spec is None else spec.generation
        self.interfaces = frozenset((vpc.vpc_id, each.interface_id) for vpc in vpcs for each in vpc.interfaces)
        """The VPC and the id of each interface."""
        self._vpcs = {vpc.vpc_id: _addresses(vpc) for vpc in vpcs}
        self._listeners = {label for vpc in vpcs for label in listener_labels(vpc)}

    def has_vpc(self, vpc_id: str) -> bool:
        """Return whether the host has a part of the VPC."""
        return vpc_id in self._vpcs

    def has_listener(self, label: ListenerLabel) -> bool:
        """Return whether the host's agent makes this listener."""
        return label in self._listeners

    def has_client(self, label: ListenerLabel, address: str) -> bool:
        """Return whether a client on the host can have this address at a listener of its VPC."""
        private, public = self._vpcs.get(label.vpc_id, (frozenset(), frozenset()))
        return address in private or (label.public and address in public)


def _addresses(vpc: Vpc) -> tuple[frozenset[str], frozenset[str]]:
    """Return the private addresses of a VPC's clients on the host, and the public ones that they may be given."""
    # An interface without a container sends nothing, except for a private NAT gateway.
    sending = (each for each in vpc.interfaces if each.container_id is not None or each.nat_gateway_id is not None)
    private = frozenset(address for each in sending for address in each.addresses)
    # A NAT gateway's addresses are shared by its clients on all hosts, an Elastic IP belongs to one private address.
    public = {each.public for each in vpc.elastic_addresses if each.private in private}
    public.update(address for gateway in vpc.nat_gateways for address in gateway.public)
    return private, frozenset(public)
