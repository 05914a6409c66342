"""libnftables, called through ctypes: one context per router namespace, one call per transaction.

A context is bound to the network namespace of the thread that makes it and stays so, which lets one process program
many namespaces. The library is loaded from the system (Debian package ``libnftables1``); the ``nft`` program is not
needed. Sets are never listed as JSON: libnftables 1.1.3 aborts the whole process on some of them.
"""

from __future__ import annotations

import ctypes
from functools import cache

NFT_CTX_DEFAULT = 0


class RulesetError(Exception):
    """A transaction was refused; the kernel's rules are as they were before it."""

    def __init__(self, message: str, transaction: str) -> None:
        """Keep nft's own words and the text it refused."""
        self.message = message
        self.transaction = transaction
        super().__init__(message)


class LibraryMissingError(Exception):
    """libnftables is not on this machine."""

    def __init__(self, reason: str) -> None:
        """Say how to mend it."""
        super().__init__(f"libnftables could not be loaded ({reason}): install the Debian package libnftables1")


@cache
def _library() -> ctypes.CDLL:
    """Load libnftables once and declare the functions in use."""
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


class RulesetContext:
    """The nftables rules of one network namespace. Make it while the thread is inside that namespace."""

    def __init__(self) -> None:
        """Open a context in the calling thread's network namespace; raise ``LibraryMissingError``."""
        self._library = _library()
        context = self._library.nft_ctx_new(NFT_CTX_DEFAULT)
        if not context:
            raise MemoryError("libnftables gave no context")
        self._context: int | None = context
        self._library.nft_ctx_buffer_output(context)
        self._library.nft_ctx_buffer_error(context)

    def run(self, text: str) -> str:
        """Run one transaction and return what it printed; raise ``RulesetError`` with nft's words."""
        if self._context is None:
            raise RuntimeError("the ruleset context is closed")
        code = self._library.nft_run_cmd_from_buffer(self._context, text.encode())
        output: bytes = self._library.nft_ctx_get_output_buffer(self._context) or b""
        errors: bytes = self._library.nft_ctx_get_error_buffer(self._context) or b""
        if code != 0:
            raise RulesetError(errors.decode(errors="replace").strip() or f"nft returned {code}", text)
        return output.decode(errors="replace")

    def check(self, text: str) -> None:
        """Try a transaction without its effect; raise ``RulesetError`` where the kernel would refuse it.

        Text that is too long for one netlink message cannot be tried whole, and is let pass.
        """
        self._library.nft_ctx_set_dry_run(self._context, True)
        try:
            self.run(text)
        except RulesetError as error:
            if "Message too long" not in error.message:
                raise
        finally:
            self._library.nft_ctx_set_dry_run(self._context, False)

    def tables(self) -> tuple[str, ...]:
        """Name the ``inet`` tables there are."""
        lines = self.run("list tables inet").splitlines()
        return tuple(words[2] for words in map(str.split, lines) if words[:2] == ["table", "inet"])

    def close(self) -> None:
        """Free the context. Twice is no error."""
        if self._context is not None:
            self._library.nft_ctx_free(self._context)
            self._context = None
