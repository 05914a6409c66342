"""Kernel settings of the network namespaces of routers, containers and the uplink, and of nothing else.

``/proc/sys/net`` shows the namespace of the calling thread, so call every function here inside the namespace that it
should change. Settings of the whole machine (``nf_conntrack_max``, ``net.core.*``) are never written.
"""

from __future__ import annotations

import errno
from pathlib import Path

ROOT = Path("/proc/sys/net")

ROUTER: tuple[tuple[str, int], ...] = (
    # Forwarding first: writing it resets some of the settings below.
    ("ipv4/ip_forward", 1),
    ("ipv4/conf/all/rp_filter", 0),
    ("ipv4/conf/default/rp_filter", 0),
    ("ipv4/conf/all/send_redirects", 0),
    ("ipv4/conf/default/send_redirects", 0),
    ("ipv4/conf/all/accept_redirects", 0),
    ("ipv4/conf/default/accept_redirects", 0),
    ("ipv4/conf/all/accept_source_route", 0),
    ("ipv4/conf/default/accept_source_route", 0),
    # Looking for the socket of a packet before its route is in vain for nearly all packets of a router.
    ("ipv4/ip_early_demux", 0),
)
"""Settings of a namespace that forwards packets.

A logged rule (``if_mark``) stops spoofed sources. ``rp_filter`` does not, because it ignores marks and cannot log.
"""
TRACKING: tuple[tuple[str, int], ...] = (
    ("netfilter/nf_conntrack_acct", 1),
    ("netfilter/nf_conntrack_timestamp", 1),
    # With 2, the default, connections made before somebody listened cause no events.
    ("netfilter/nf_conntrack_events", 1),
    # A packet in the middle of an untracked connection is invalid, so a cut connection stays cut.
    ("netfilter/nf_conntrack_tcp_loose", 0),
    ("netfilter/nf_conntrack_tcp_timeout_time_wait", 10),
    ("netfilter/nf_conntrack_tcp_timeout_close", 10),
    ("netfilter/nf_conntrack_udp_timeout", 30),
)
"""Connection tracking settings of a router's namespace."""

FORWARDING = "ipv4/ip_forward"
NO_IPV6: tuple[tuple[str, int], ...] = (
    ("ipv6/conf/all/disable_ipv6", 1),
    ("ipv6/conf/default/disable_ipv6", 1),
)


class SettingError(Exception):
    """A kernel setting could not be written, so the network would not be as wanted."""

    def __init__(self, name: str, value: int, error: OSError) -> None:
        """Give the setting, the reason and the remedy."""
        self.name = name
        if error.errno == errno.ENOENT:
            module = "nf_conntrack" if name.startswith("netfilter/") else "the IPv4 networking"
            fix = f"load {module} into the kernel (modprobe nf_conntrack)"
        elif error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            fix = "mount /proc so that /proc/sys/net is writable for this namespace (not read-only, not masked)"
        else:
            fix = "see the kernel's log"
        super().__init__(f"cannot set net/{name} to {value}: {error.strerror}: {fix}")


def _write(name: str, value: int) -> None:
    try:
        (ROOT / name).write_text(f"{value}\n", encoding="ascii")
    except OSError as error:
        raise SettingError(name, value, error) from error


def forbid_ipv6() -> None:
    """Switch IPv6 off in the calling thread's namespace, if the kernel has IPv6."""
    if (ROOT / "ipv6").is_dir():
        for name, value in NO_IPV6:
            _write(name, value)


def forbid_ipv6_of_new_links() -> None:
    """Switch IPv6 off for new links, in a container's namespace before its interface is created.

    Unlike the setting for all links, this waits for no lock of the kernel, so creating an interface is a little faster.
    """
    name, value = NO_IPV6[1]
    if (ROOT / name).exists():
        _write(name, value)


def forbid_forwarding() -> None:
    """Switch forwarding off in a container's namespace, which may have inherited it from the host.

    The kernel clears its caches when the setting changes, so it is written only if forwarding is on.
    """
    if (ROOT / FORWARDING).read_text(encoding="ascii").strip() != "0":
        _write(FORWARDING, 0)


def prepare_router() -> None:
    """Write all settings of a router's namespace; raise ``SettingError``."""
    forbid_ipv6()
    for name, value in (*ROUTER, *TRACKING):
        _write(name, value)


def prepare_uplink() -> None:
    """Write all settings of the uplink namespace; raise ``SettingError``."""
    forbid_ipv6()
    for name, value in ROUTER:
        _write(name, value)
