"""TLS between hosts and ``serve``: version 1.3, certificates of the authority for hosts on both sides."""

from __future__ import annotations

import datetime as dt
import ssl

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from reading_room.fleet.certificates import HostAuthority, key_digest
from reading_room.hosts.certificate_loading import load_certificate


def server_context(authority: HostAuthority, now: dt.datetime) -> ssl.SSLContext:
    """Return the context of the listener for hosts, with a new certificate.

    A client may lack a certificate: it can only ask what ``Admission`` answers. One with a certificate is the host
    whose row has its key (``key_of``), or nobody.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    load_certificate(context, authority.serve_pem(now))
    context.load_verify_locations(cadata=authority.pem)
    context.verify_mode = ssl.CERT_OPTIONAL
    # Each connection shows its certificate again, so that none is accepted for what an earlier one showed.
    context.num_tickets = 0
    return context


def client_context(authority: str | None) -> ssl.SSLContext:
    """Return a context for connecting to ``serve``, with the authority to trust (PEM).

    Without one nothing is verified: only for asking for the authority itself. Connect with the name ``SERVE_NAME``.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if authority is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(cadata=authority)
    return context


def key_of(certificate: bytes) -> str:
    """Return the digest of the public key of a client's certificate (DER), which its TLS connection has verified."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    # The authority signs no other keys.
    return key_digest(key) if isinstance(key, ec.EllipticCurvePublicKey) else ""
