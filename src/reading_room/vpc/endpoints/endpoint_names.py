"""The host names of interface endpoints: their own, and those of the service that private DNS points to them.

AWS's forms are in the PrivateLink guide, "DNS hostnames". The names of an endpoint for S3 are wildcards: they follow
``bucket.`` or ``*.bucket.``.
"""

from __future__ import annotations

from collections.abc import Iterable

from reading_room.vpc.endpoints.endpoint_services import EndpointService, service_named, services_of
from reading_room.vpc.tables import VpcEndpoint


def own_names(endpoint: VpcEndpoint, region: str, zones: Iterable[str]) -> list[str]:
    """Return the endpoint's regional name, followed by one for each zone in which it has a subnet."""
    service = _service(endpoint, region)
    first = f"{endpoint.vpc_endpoint_id}-{endpoint.dns_label}"
    star = "*." if service.service == "s3" else ""
    return [f"{star}{first}.{service.base_name}", *(f"{star}{first}-{zone}.{service.base_name}" for zone in zones)]


def private_names(endpoint: VpcEndpoint, region: str) -> tuple[str, ...]:
    """Return the service's names that private DNS points to the endpoint; none if private DNS is off."""
    return _service(endpoint, region).private_names if endpoint.private_dns_enabled else ()


def _service(endpoint: VpcEndpoint, region: str) -> EndpointService:
    wanted = service_named(endpoint.service_name)
    return next(each for each in services_of(region) if each.service == wanted and each.kind == "Interface")
