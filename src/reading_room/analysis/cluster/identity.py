"""The certificate that a container of a job shows to the others, from a certificate authority of this attempt alone.

Containers of another job have certificates of another authority. They cannot talk to this job's containers, even if a
security group lets their packets through.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reading_room.analysis.cluster.service_client import ServiceClient, refused


@dataclass(frozen=True, slots=True)
class Identity:
    """Three texts in PEM. The key belongs to this container alone, and is never shown."""

    authority: str
    certificate: str
    key: str = field(repr=False)


def fetch_identity(service: ServiceClient) -> Identity:
    """Fetch this container's identity.

    Raise ``JobFailure`` (``CLUSTER_LOST``) if the service has none: it keeps identities only in memory, so after a
    restart of the service the job needs another attempt.
    """
    answer = service.get()
    members = [answer.members.get(name) for name in ("Authority", "Certificate", "Key")]
    if answer.status != 200 or not all(isinstance(text, str) and "\n" in text for text in members):
        raise refused(answer, "a certificate for this container")
    authority, certificate, key = map(str, members)
    return Identity(authority, certificate, key)
