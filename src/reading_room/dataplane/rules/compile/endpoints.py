"""Endpoints: the maps that lead packets to a listener, the listeners, and the sources that reach them.

A gateway or far endpoint has no address that a client could connect to: its port is reached only if the sender's route
table sends a destination to it, which is then translated. So a connection's listener tells which endpoint it came
through. An interface endpoint is an address of the VPC, protected by the groups of its interface.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reading_room.dataplane.rules.compile import names
from reading_room.dataplane.rules.compile.routes import Way
from reading_room.dataplane.rules.host import EndpointReach
from reading_room.dataplane.rules.nftables import Element, KeyType, NamedSet
from reading_room.dataplane.spec import LOCAL_ENDPOINT_ADDRESS, Interface, ListenerLabel, Vpc, endpoint_ports

SERVICE_PORTS = (80, 443)
"""The ports of a service that an endpoint accepts: http and https."""
_TCP = "6"


def listening(vpc: Vpc) -> tuple[Interface, ...]:
    """Return the interfaces at which an interface endpoint listens, sorted by id."""
    there = {endpoint.endpoint_id for endpoint in vpc.endpoints if endpoint.kind == "interface"}
    found = (each for each in vpc.interfaces if each.endpoint_id in there)
    return tuple(sorted(found, key=lambda interface: interface.interface_id))


def endpoint_sets(vpc: Vpc, ways: Sequence[Way], far: Sequence[Way], services: Iterable[Interface]) -> list[NamedSet]:
    """Return the maps from route table, destination and port to a listener, and the sets of listeners' ports.

    ``ways`` and ``far`` come from ``routes.py``; each element names its endpoint.
    """
    to_endpoint = [way for way in (*ways, *far) if way.taker.endpoint and (way.taker.nat or way not in far)]
    to_far = [way for way in far if way.taker.nat is None]
    ports = sorted(port for endpoint in vpc.endpoints if endpoint.kind == "far" for port in endpoint_ports(endpoint))
    open_at = [
        Element((address, _TCP, str(port)), None, each.endpoint_id or "")
        for each in services
        for address in each.addresses
        for port in SERVICE_PORTS
    ]
    return [
        _listener_map(names.ENDPOINTS, to_endpoint),
        _listener_map(names.FAR, to_far),
        NamedSet(names.FAR_PORTS, (KeyType.PORT,), tuple(Element((str(port),)) for port in ports)),
        NamedSet(names.SERVICES, names.SERVICE_KEY, tuple(open_at)),
    ]


def _listener_map(name: str, ways: Iterable[Way]) -> NamedSet:
    elements = [
        Element(
            (str(way.table.number), network, str(service_port)),
            (LOCAL_ENDPOINT_ADDRESS, str(port)),
            endpoint.endpoint_id,
        )
        for way in ways
        if (endpoint := way.taker.endpoint) is not None
        for network in way.networks
        for service_port, port in zip(SERVICE_PORTS, endpoint_ports(endpoint), strict=True)
    ]
    return NamedSet(name, names.ENDPOINT_KEY, tuple(elements), interval=True, value=names.LISTENER)


def endpoint_listeners(vpc: Vpc, services: Iterable[Interface]) -> list[ListenerLabel]:
    """Return two listeners for every endpoint, and for an interface endpoint two at each address of ``services``."""
    where: list[tuple[str, str, tuple[int, int]]] = [
        (endpoint.endpoint_id, LOCAL_ENDPOINT_ADDRESS, endpoint_ports(endpoint))
        for endpoint in vpc.endpoints
        if endpoint.kind != "interface"
    ]
    where += [(each.endpoint_id or "", address, SERVICE_PORTS) for each in services for address in each.addresses]
    endpoints = {endpoint.endpoint_id: endpoint for endpoint in vpc.endpoints}
    labels = []
    for endpoint_id, address, (http, https) in where:
        endpoint = endpoints[endpoint_id]
        public = endpoint.kind in ("far", "public")
        about = (endpoint_id, endpoint.service, public)
        labels.append(ListenerLabel(vpc.vpc_id, "endpoint-http", address, http, *about))
        labels.append(ListenerLabel(vpc.vpc_id, "endpoint-https", address, https, *about))
    return labels


def reach(
    ways: Iterable[Way], addresses: Mapping[str, Sequence[str]], elastic: Mapping[str, str]
) -> tuple[EndpointReach, ...]:
    """Return the sources that reach each endpoint to which ``ways`` lead.

    ``addresses`` maps route table ids to the addresses of attached interfaces. ``elastic`` maps private addresses to
    Elastic IPs: without a NAT gateway on the way, only their owners reach a far endpoint.
    """
    found = []
    for way in ways:
        endpoint = way.taker.endpoint
        if endpoint is None:
            continue
        sources = tuple(addresses.get(way.table.route_table_id, ()))
        parties = [(sources, way.taker.addresses)]
        if endpoint.kind == "far" and way.taker.nat is None:
            parties = [((source,), (elastic[source],)) for source in sources if source in elastic]
        for each, peers in parties:
            found.append(
                EndpointReach(endpoint.endpoint_id, endpoint_ports(endpoint), way.networks, each, tuple(peers))
            )
    return tuple(found)
