"""Endpoints: the map that leads packets to a listener, the listeners, and who reaches them.

An endpoint is not an address that anybody may call: its port is reached only by translation of a destination that
the sender's route table sends to it. So the listener that a connection arrives at says by which endpoint it came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reading_room.dataplane.linux.compile.base_chains import ENDPOINT_KEY, ENDPOINTS
from reading_room.dataplane.linux.compile.routes import Way
from reading_room.dataplane.linux.host import EndpointReach
from reading_room.dataplane.linux.nftables import Element, KeyType, NamedSet
from reading_room.dataplane.spec import LOCAL_ENDPOINT_ADDRESS, ListenerLabel, Vpc, endpoint_ports

SERVICE_PORTS = (80, 443)
"""The ports of a service that an endpoint takes: http, https."""


def endpoint_map(ways: Sequence[Way]) -> NamedSet:
    """Return the map from route table, destination and port to a listener; each element names its endpoint."""
    elements = [
        Element(
            (str(way.table.number), network, str(asked)),
            (LOCAL_ENDPOINT_ADDRESS, str(port)),
            way.endpoint.endpoint_id,
        )
        for way in ways
        for network in way.networks
        for asked, port in zip(SERVICE_PORTS, endpoint_ports(way.endpoint), strict=True)
    ]
    value = (KeyType.ADDRESS, KeyType.PORT)
    return NamedSet(ENDPOINTS, ENDPOINT_KEY, tuple(elements), interval=True, value=value)


def endpoint_listeners(vpc: Vpc) -> list[ListenerLabel]:
    """Return the two listeners of every endpoint."""
    labels = []
    for endpoint in vpc.endpoints:
        http, https = endpoint_ports(endpoint)
        where = LOCAL_ENDPOINT_ADDRESS
        labels.append(ListenerLabel(vpc.vpc_id, "endpoint-http", where, http, endpoint.endpoint_id))
        labels.append(ListenerLabel(vpc.vpc_id, "endpoint-https", where, https, endpoint.endpoint_id))
    return labels


def reach(ways: Sequence[Way], addresses: Mapping[str, Sequence[str]]) -> tuple[EndpointReach, ...]:
    """Return who reaches each endpoint; ``addresses`` are those of attached interfaces by route table id."""
    return tuple(
        EndpointReach(
            way.endpoint.endpoint_id,
            endpoint_ports(way.endpoint),
            way.networks,
            tuple(addresses.get(way.table.route_table_id, ())),
        )
        for way in ways
    )
