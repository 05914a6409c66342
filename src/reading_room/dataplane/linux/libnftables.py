"""libnftables, called through ctypes: one call per transaction.

A context stays bound to the network namespace of the thread that created it, so one process can program many
namespaces. The library comes from the system (Debian package ``libnftables1``); the ``nft`` program is not needed.
Never list sets as JSON: libnftables 1.1.3 aborts the whole process on some of them.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from reading_room.dataplane.linux.namespaces import inside

NFT_CTX_DEFAULT = 0
SELECT_LIMIT = 1024


class RulesetError(Exception):
    """The kernel refused a transaction, and its rules are as they were before."""

    def __init__(self, message: str, transaction: str) -> None:
        """Keep nft's message and the refused text."""
        self.message = message
        self.transaction = transaction
        super().__init__(message)


class LibraryMissingError(Exception):
    """libnftables cannot be used in this process."""

    def __init__(self, reason: str, remedy: str = "install the Debian package libnftables1") -> None:
        """Give the reason and the remedy."""
        super().__init__(f"libnftables cannot be used ({reason}): {remedy}")


@cache
def _library() -> ctypes.CDLL:
    """Load libnftables once and declare the functions that are used."""
    try:
        library = ctypes.CDLL("libnftables.so.1")
    except OSError as error:
        raise LibraryMissingError(str(error)) from error
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_new.argtypes = [ctypes.c_uint32]
    library.nft_ctx_free.argtypes = [ctypes.c_void_p]
    library.nft_ctx_free.restype = None
    for name in ("nft_ctx_buffer_output", "nft_ctx_buffer_error"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
        getattr(library, name).restype = ctypes.c_char_p
    library.nft_ctx_set_dry_run.argtypes = [ctypes.c_void_p, ctypes.c_bool]
    library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    return library


class LowDescriptors:
    """Reserves a few descriptor numbers below ``SELECT_LIMIT`` for the library.

    libnftables waits with ``select``, and aborts the whole process if its socket's number does not fit. An agent with
    many containers has more descriptors than that. So numbers are reserved early and lent to the library for each
    transaction: a new socket takes the lowest free number. Several are reserved, because another thread may open a file
    meanwhile.
    """

    KEPT = 4

    def __init__(self) -> None:
        """Reserve the lowest free numbers."""
        self._numbers: list[int] = []
        self._keep()

    def _keep(self) -> None:
        while len(self._numbers) < self.KEPT:
            number = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
            if number >= SELECT_LIMIT:
                os.close(number)
                return
            self._numbers.append(number)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Free the numbers while the body runs; raise ``LibraryMissingError`` if there are none."""
        if not self._numbers:
            self._keep()
        if not self._numbers:
            raise LibraryMissingError(
                f"it needs a descriptor below {SELECT_LIMIT} and all are in use",
                "open fewer files before the network driver starts",
            )
        while self._numbers:
            os.close(self._numbers.pop())
        try:
            yield
        finally:
            self._keep()


@cache
def _low_descriptors() -> LowDescriptors:
    return LowDescriptors()


def prepare() -> None:
    """Load the library and reserve low descriptors for it; raise ``LibraryMissingError``. Call it early."""
    _library()
    _low_descriptors()


class Rules:
    """The nftables rules of one network namespace.

    Every transaction has its own context, created inside the namespace and bound to it. Creating one costs a few
    microseconds; keeping one would cost a descriptor for every VPC.
    """

    def __init__(self, namespace: int) -> None:
        """Load the library; raise ``LibraryMissingError``. The caller closes ``namespace``."""
        self._library = _library()
        self._low = _low_descriptors()
        self._namespace = namespace

    def run(self, text: str) -> str:
        """Run one transaction and return its output; raise ``RulesetError`` with nft's message."""
        return self._run(text, dry=False)

    def check(self, text: str) -> None:
        """Try a transaction without effect; raise ``RulesetError`` if the kernel would refuse it.

        Text that is too long for one netlink message cannot be checked as a whole, and passes.
        """
        try:
            self._run(text, dry=True)
        except RulesetError as error:
            if "Message too long" not in error.message:
                raise

    def _run(self, text: str, *, dry: bool) -> str:
        with inside(self._namespace), self._low.lent():
            context = self._library.nft_ctx_new(NFT_CTX_DEFAULT)
            if not context:
                raise MemoryError("libnftables gave no context")
            try:
                self._library.nft_ctx_buffer_output(context)
                self._library.nft_ctx_buffer_error(context)
                self._library.nft_ctx_set_dry_run(context, dry)
                code = self._library.nft_run_cmd_from_buffer(context, text.encode())
                output: bytes = self._library.nft_ctx_get_output_buffer(context) or b""
                errors: bytes = self._library.nft_ctx_get_error_buffer(context) or b""
            finally:
                self._library.nft_ctx_free(context)
        if code != 0:
            raise RulesetError(errors.decode(errors="replace").strip() or f"nft returned {code}", text)
        return output.decode(errors="replace")
