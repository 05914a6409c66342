"""The installation's authority for hosts, with its key sealed in the database, so that every ``serve`` has it."""

from __future__ import annotations

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy.orm import Session

from reading_room.certificate_parts import private_pem
from reading_room.fleet.certificates import HostAuthority, make
from reading_room.fleet.tables import HostAuthorityRow

_ONLY = 1


def of_installation(session: Session, now: dt.datetime) -> HostAuthority:
    """Return the installation's authority, which is made when it is first needed. Raises ``SealBroken``.

    ``session`` is that of a block that writes. ``now`` is this machine's time.
    """
    row = session.get(HostAuthorityRow, _ONLY)
    if row is None:
        made = make(now)
        key = private_pem(made.key).decode("ascii")
        session.add(HostAuthorityRow(id=_ONLY, certificate=made.pem, private_key=key))
        session.flush()
        return made
    key_found = serialization.load_pem_private_key(row.private_key.encode(), password=None)
    if not isinstance(key_found, ec.EllipticCurvePrivateKey):
        raise TypeError("the key of the authority for hosts is not an elliptic-curve key: restore the database")
    return HostAuthority(x509.load_pem_x509_certificate(row.certificate.encode()), key_found)
