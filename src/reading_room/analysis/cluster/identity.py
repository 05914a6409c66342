"""What a container of a job proves itself with to the others: a certificate of an authority that only this attempt has.

Another job's containers have certificates of another authority, so that they get no word in, also where a security
group lets their packets through.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reading_room.analysis.cluster.service_client import ServiceClient, refused


@dataclass(frozen=True, slots=True)
class Identity:
    """Three texts in PEM. The key is the container's own, and is never shown."""

    authority: str
    certificate: str
    key: str = field(repr=False)


def fetch_identity(service: ServiceClient) -> Identity:
    """Ask for this container's identity.

    Raises ``JobFailure`` (``CLUSTER_LOST``) when there is none: identities are in the memory of the service only, and
    go with it, so that the job needs another attempt.
    """
    answer = service.get()
    members = [answer.members.get(name) for name in ("Authority", "Certificate", "Key")]
    if answer.status != 200 or not all(isinstance(text, str) and "\n" in text for text in members):
        raise refused(answer, "a certificate for this container")
    authority, certificate, key = map(str, members)
    return Identity(authority, certificate, key)
