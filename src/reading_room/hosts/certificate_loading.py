"""Loading a certificate with its key from memory into a TLS context."""

from __future__ import annotations

import os
import ssl


def load_certificate(context: ssl.SSLContext, pem: bytes) -> None:
    """Load a certificate and its key (PEM) into a context. Raises ``ssl.SSLError``."""
    # The ssl module only reads certificates from files: this one is in memory, and disappears when it is closed.
    with os.fdopen(os.memfd_create("certificate", os.MFD_CLOEXEC), "wb") as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
