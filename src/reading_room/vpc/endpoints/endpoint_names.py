"""The host names of interface endpoints: their own, and those that private DNS makes theirs.

AWS's forms are in the PrivateLink guide, "DNS hostnames". S3's own names are wildcards: ``bucket.`` or ``*.bucket.``
comes before them.
"""

from __future__ import annotations

from collections.abc import Iterable

from reading_room.vpc.endpoints.endpoint_services import EndpointService, service_named, services_of
from reading_room.vpc.tables import VpcEndpoint


def own_names(endpoint: VpcEndpoint, region: str, zones: Iterable[str]) -> list[str]:
    """Return the endpoint's regional name, and one for each of the zones that it has a subnet in, in that order."""
    service = _service(endpoint, region)
    first = f"{endpoint.vpc_endpoint_id}-{endpoint.dns_label}"
    star = "*." if service.service == "s3" else ""
    return [f"{star}{first}.{service.base_name}", *(f"{star}{first}-{zone}.{service.base_name}" for zone in zones)]


def private_names(endpoint: VpcEndpoint, region: str) -> tuple[str, ...]:
    """Return the service's names that lead to the endpoint by private DNS, none where it is off."""
    return _service(endpoint, region).private_names if endpoint.private_dns_enabled else ()


def _service(endpoint: VpcEndpoint, region: str) -> EndpointService:
    wanted = service_named(endpoint.service_name)
    return next(each for each in services_of(region) if each.service == wanted and each.kind == "Interface")
