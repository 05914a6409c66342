"""Access keys in memory, for tests and for programs that need no accounts."""

from __future__ import annotations

from collections.abc import Iterable

from reading_room.aws.sigv4 import Credential


class MemoryCredentials:
    """A ``CredentialSource`` with the keys that were added to it."""

    def __init__(self, credentials: Iterable[Credential] = ()) -> None:
        self._credentials = {credential.access_key_id: credential for credential in credentials}

    def add(self, credential: Credential) -> None:
        """Add a key, or replace the one with the same id."""
        self._credentials[credential.access_key_id] = credential

    def find(self, access_key_id: str) -> Credential | None:
        """Return a key, or ``None``."""
        return self._credentials.get(access_key_id)
