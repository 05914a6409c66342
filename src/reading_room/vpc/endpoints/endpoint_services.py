"""The services that have VPC endpoints: their names, kinds of endpoints, and host names.

AWS's names are in the PrivateLink guide, "AWS services that integrate with AWS PrivateLink". IAM is one service for all
regions and has an endpoint only in us-east-1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from reading_room.dataplane.spec import Service
from reading_room.vpc.addressing.prefix_lists import S3_PREFIX_LIST_ID, s3_service_name
from reading_room.vpc.endpoints.errors import InvalidServiceName

Kind = Literal["Gateway", "Interface"]

IAM_REGION = "us-east-1"
REPOSITORIES = ("amazonlinux", "packages", "repo")
"""Package repositories are buckets of S3 whose names are host names: ``repo.us-east-1.amazonaws.com``."""
_REGIONAL: tuple[Service, ...] = ("comprehend", "ec2", "kms", "logs", "s3", "sts")


@dataclass(frozen=True, slots=True)
class EndpointService:
    """A service with one kind of endpoint. S3 has two of these."""

    service: Service
    name: str
    """``com.amazonaws.us-east-1.logs``"""
    kind: Kind
    region: str

    @property
    def service_id(self) -> str:
        """The id of the endpoint service, the same in every account."""
        digits = hashlib.sha256(f"{self.name} {self.kind}".encode()).hexdigest()[:17]
        return f"vpce-svc-{digits}"

    @property
    def private_names(self) -> tuple[str, ...]:
        """The service's own names, which private DNS points to an interface endpoint."""
        if self.kind == "Gateway":
            return ()
        if self.service == "iam":
            return ("iam.amazonaws.com",)
        own = f"{self.service}.{self.region}.amazonaws.com"
        return (own, f"*.{own}") if self.service == "s3" else (own,)

    @property
    def base_name(self) -> str:
        """The suffix of the names of an interface endpoint, or the service's name for a gateway endpoint."""
        place = f"{self.service}.{self.region}"
        return f"{place}.amazonaws.com" if self.kind == "Gateway" else f"{place}.vpce.amazonaws.com"


def services_of(region: str) -> tuple[EndpointService, ...]:
    """Return every service of a region, sorted by name, S3's gateway before its interface."""
    found = [EndpointService("s3", s3_service_name(region), "Gateway", region)]
    found += [EndpointService(name, f"com.amazonaws.{region}.{name}", "Interface", region) for name in _REGIONAL]
    if region == IAM_REGION:
        found.append(EndpointService("iam", "com.amazonaws.iam", "Interface", region))
    return tuple(sorted(found, key=lambda each: (each.name, each.kind)))


def find(region: str, name: str) -> dict[str, EndpointService]:
    """Return the services of this name by kind of endpoint. Raises ``InvalidServiceName`` if there is none."""
    kinds: dict[str, EndpointService] = {each.kind: each for each in services_of(region) if each.name == name}
    if not kinds:
        raise InvalidServiceName(name)
    return kinds


def service_named(name: str) -> Service:
    """Return the service with this endpoint service name in any region."""
    last = name.rpartition(".")[2]
    found = next((each for each in (*_REGIONAL, "iam") if each == last), None)
    if found is None:
        raise ValueError(f"{name} is not the name of an endpoint service here")
    return found


def prefix_list_of(name: str) -> str:
    """Return the prefix list of a service's gateway endpoints. Raises ``InvalidServiceName``."""
    if not name.endswith(".s3"):
        raise InvalidServiceName(name)
    return S3_PREFIX_LIST_ID


def s3_names(region: str) -> tuple[str, ...]:
    """Return S3's names in a region, which follow a bucket's name: global, regional, legacy and dual-stack."""
    return (
        "s3.amazonaws.com",
        f"s3.{region}.amazonaws.com",
        f"s3-{region}.amazonaws.com",
        f"s3.dualstack.{region}.amazonaws.com",
    )


def repository_names(region: str) -> tuple[str, ...]:
    """Return the host names of package repositories in a region."""
    return tuple(f"{name}.{region}.amazonaws.com" for name in REPOSITORIES)


def api_names(region: str) -> tuple[str, ...]:
    """Return the public names of every service except S3, regional and global, as SDKs use them."""
    regional = tuple(f"{service}.{region}.amazonaws.com" for service in ("comprehend", "ec2", "kms", "logs", "sts"))
    return (*regional, "ec2.amazonaws.com", "iam.amazonaws.com", "sts.amazonaws.com")
