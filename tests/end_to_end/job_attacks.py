"""A program that runs as a job in its container, tries what no job may do, and prints the outcome of each attempt.

The container receives it as text, so it imports nothing from the project. Its argument is JSON: the worker's system
call filter and the addresses to try. The outcome of a connection is ``connected``, ``silence`` or the name of an errno.
"""

from __future__ import annotations

import base64
import ctypes
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

SECONDS = 0.8
FACTS: dict[str, Any] = {}
LIBC = ctypes.CDLL(None, use_errno=True)
ATTEMPTS: dict[str, Callable[[], Any]] = {}


def attempt(function: Callable[[], Any]) -> Callable[[], Any]:
    ATTEMPTS[function.__name__.replace("_", "-")] = function
    return function


def outcome(action: Callable[[], Any], good: str = "done") -> str:
    try:
        action()
    except TimeoutError:
        return "silence"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return good


def connect(address: str, port: int, family: int = socket.AF_INET, protocol: int = 0) -> str:
    def action() -> None:
        with socket.socket(family, socket.SOCK_STREAM, protocol) as client:
            client.settimeout(SECONDS)
            client.connect((address, port))

    return outcome(action, "connected")


def connect_all(targets: Iterable[tuple[str, int]], seconds: float = SECONDS) -> list[list[Any]]:
    """Return the targets that accepted or refused a connection, or answered in any other way."""
    poll, waiting, found = select.poll(), {}, []
    for target in targets:
        client = socket.socket()
        client.setblocking(False)
        code = client.connect_ex(target)
        if code == errno.EINPROGRESS:
            waiting[client.fileno()] = (client, target)
            poll.register(client, select.POLLOUT)
        elif code == 0:
            found.append([*target])
    limit = time.monotonic() + seconds
    while (left := limit - time.monotonic()) > 0:
        for descriptor, _events in poll.poll(left * 1000):
            found.append([*waiting[descriptor][1]])
            poll.unregister(descriptor)
    for client, _target in waiting.values():
        client.close()
    return found


def ask(address: str, port: int, data: bytes, *options: tuple[int, int, Any]) -> str:
    """Send a datagram and return whether an answer arrived."""

    def action() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            for option in options:
                asking.setsockopt(*option)
            asking.settimeout(SECONDS)
            asking.sendto(data, (address, port))
            asking.recv(4096)

    return outcome(action, "answered")


def call(name: str, *arguments: Any) -> str:
    """Make a call in a child process, because the kernel may kill its caller."""
    child = os.fork()
    if child == 0:
        ctypes.set_errno(0)
        os._exit(ctypes.get_errno() if getattr(LIBC, name)(*arguments) == -1 else 0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return errno.errorcode.get(code, "?") if code else "done"


def opens(path: str, mode: str = "rb") -> str:
    def action() -> None:
        with open(path, mode):
            pass

    return outcome(action)


# Other kinds of sockets


@attempt
def raw_sockets() -> list[str]:
    kinds = (socket.IPPROTO_ICMP, socket.IPPROTO_TCP, socket.IPPROTO_RAW)
    return sorted({outcome(partial(socket.socket, socket.AF_INET, socket.SOCK_RAW, kind)) for kind in kinds})


@attempt
def packet_socket() -> str:
    return outcome(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300))


@attempt
def own_routes_by_netlink() -> list[str]:
    return sorted({outcome(partial(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW, kind)) for kind in range(22)})


@attempt
def every_other_family() -> list[str]:
    families = [number for number in range(50) if number not in (1, 2, 10)]
    return sorted({outcome(partial(socket.socket, family, socket.SOCK_DGRAM)) for family in families})


@attempt
def ping_socket() -> str:
    return outcome(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP))


@attempt
def sctp() -> str:
    return connect(FACTS["neighbour"], 7070, protocol=132)


@attempt
def multipath_tcp() -> str:
    return connect(FACTS["neighbour"], 7070, protocol=262)


@attempt
def ipv6() -> list[str]:
    return [connect(address, 443, socket.AF_INET6) for address in ("2001:db8::1", "fe80::1%1", "64:ff9b::101:101")]


@attempt
def ipv4_inside_ipv6() -> str:
    return connect("::ffff:" + FACTS["neighbour"], 7070, socket.AF_INET6)


# Forging and rerouting


def _option(level: int, name: int, value: Any) -> str:
    with socket.socket() as client:
        return outcome(lambda: client.setsockopt(level, name, value))


@attempt
def mark_of_another_route_table() -> str:
    return _option(socket.SOL_SOCKET, 36, 2)


@attempt
def transparent_socket() -> str:
    return _option(socket.SOL_IP, 19, 1)


@attempt
def another_device() -> str:
    return _option(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"up0\0")


@attempt
def forged_source_address() -> list[str]:
    found = []
    for source in (FACTS["neighbour"], "10.0.1.1", FACTS["storage"], "127.0.0.1"):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_IP, 15, 1)  # IP_FREEBIND
            client.settimeout(SECONDS)
            said = outcome(partial(client.bind, (source, 0)), "bound")
            said = outcome(partial(client.connect, (FACTS["storage"], 443)), "connected") if said == "bound" else said
            found.append(said)
    return found


@attempt
def source_routing() -> str:
    route = struct.pack("!BBB", 131, 7, 4) + socket.inet_aton(FACTS["neighbour"]) + b"\0"
    return ask("10.0.1.1", 7070, b"by a route of my own", (socket.SOL_IP, socket.IP_OPTIONS, route))


@attempt
def traceroute() -> list[str]:
    # With IP_RECVERR, an ICMP error makes the call fail with its errno.
    return [ask("1.1.1.1", 33434, b"?", (socket.SOL_IP, 2, ttl), (socket.SOL_IP, 11, 1)) for ttl in (1, 2)]


def _control(number: int, argument: bytes) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        return outcome(lambda: fcntl.ioctl(client, number, argument))


@attempt
def address_of_a_neighbour_by_ioctl() -> str:
    address = struct.pack("!2sH4s8x", b"\2\0", 0, socket.inet_aton(FACTS["neighbour"]))
    return _control(0x8916, struct.pack("16s16s8x", b"eth0", address))


@attempt
def routes_and_neighbours_by_ioctl() -> list[str]:
    return [_control(0x890B, b"\0" * 120), _control(0x8955, b"\0" * 68)]


@attempt
def device_down_by_ioctl() -> str:
    return _control(0x8914, struct.pack("16sh14x", b"eth0", 0))


@attempt
def own_tunnel() -> str:
    return opens("/dev/net/tun", "r+b")


# Other jobs


@attempt
def neighbour_by_tcp() -> list[list[Any]]:
    return connect_all((FACTS["neighbour"], port) for port in (22, 80, 443, 7070))


@attempt
def neighbour_by_udp() -> str:
    return ask(FACTS["neighbour"], 7070, b"psst")


@attempt
def neighbour_by_fragments() -> str:
    return ask(FACTS["neighbour"], 7070, b"x" * 60_000)


@attempt
def neighbour_by_fast_open() -> str:
    with socket.socket() as client:
        client.setblocking(False)
        said = outcome(lambda: client.sendto(b"data in the first packet", 0x20000000, (FACTS["neighbour"], 7070)))
        if said != "EINPROGRESS":
            return said
        return "answered" if select.select([], [client], [], SECONDS)[1] else "silence"


@attempt
def multicast_and_broadcast() -> list[str]:
    wide = (socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    return [ask(to, 7070, b"anybody", wide) for to in ("224.0.0.251", "239.1.2.3", "10.0.1.255", "255.255.255.255")]


@attempt
def job_of_a_vpc_with_equal_addresses() -> list[list[Any]]:
    places = [f"10.0.{subnet}.{last}" for subnet in (1, 2) for last in range(4, 40)]
    return connect_all((place, 7070) for place in places if place != FACTS["own"])


@attempt
def huge_fan_out() -> list[list[Any]]:
    found = []
    for block in range(8):
        found += connect_all(((f"10.0.{block + 20}.{last}", 7070) for last in range(1, 251)), 0.2)
    return found


# The host, the server, the agent


@attempt
def the_server() -> list[Any]:
    places = (FACTS["host"], "10.0.0.1", "10.0.1.1", "10.0.0.2", "169.254.170.2")
    return [*connect_all((place, FACTS["port"]) for place in places), connect("127.0.0.1", FACTS["port"])]


@attempt
def ports_of_the_host() -> list[list[Any]]:
    return connect_all((FACTS["host"], port) for port in (22, 53, 80, 111, 443, 2375, 8080))


@attempt
def the_agents_socket() -> list[str]:
    def action(path: str) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)

    return [outcome(partial(action, path)) for path in FACTS["sockets"]]


@attempt
def abstract_sockets_of_the_host() -> str:
    def action() -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect("\0" + FACTS["abstract"])

    return outcome(action)


@attempt
def signals_to_the_host() -> list[str]:
    return sorted({outcome(partial(os.kill, pid, 0)) for pid in FACTS["processes"]})


@attempt
def files_of_the_product() -> list[str]:
    return sorted({opens(path) for path in FACTS["files"]})


@attempt
def settings_of_the_kernel() -> list[str]:
    names = ("net/ipv4/ip_forward", "net/ipv4/ping_group_range", "kernel/core_pattern")
    return sorted({opens(f"/proc/sys/{name}", "wb") for name in names})


@attempt
def namespaces() -> list[str]:
    return [call("setns", 0, 0x40000000), call("unshare", 0x10000000), call("unshare", 0x40000000)]


@attempt
def mounts() -> list[str]:
    return [call("mount", b"proc", b"/tmp", b"proc", 0, None), call("chroot", b"/tmp"), call("umount2", b"/etc", 2)]


@attempt
def calls_that_attack_kernels() -> list[str]:
    numbers = {
        "bpf": 321,
        "io_uring_setup": 425,
        "perf_event_open": 298,
        "userfaultfd": 323,
        "keyctl": 250,
        "ptrace": 101,
    }
    if os.uname().machine == "aarch64":
        numbers = {
            "bpf": 280,
            "io_uring_setup": 425,
            "perf_event_open": 241,
            "userfaultfd": 282,
            "keyctl": 219,
            "ptrace": 117,
        }
    return sorted({call("syscall", number, 0, 0, 0, 0, 0) for number in numbers.values()})


# Link-local addresses and the router


@attempt
def instance_metadata() -> list[list[Any]]:
    return connect_all((to, 80) for to in ("169.254.169.254", "169.254.170.23", "169.254.169.123", "169.254.169.250"))


@attempt
def all_of_link_local() -> list[list[Any]]:
    found = []
    for block in (0, 1, 168, 169, 170, 171, 254):
        targets = [(f"169.254.{block}.{last}", 80) for last in range(1, 255)]
        found += connect_all((each for each in targets if each[0] != "169.254.170.2"), 0.3)
    return found


@attempt
def ports_of_the_router() -> list[list[Any]]:
    found = []
    for address in ("10.0.1.1", "10.0.0.2", "169.254.169.253", "169.254.170.2"):
        found += connect_all(((address, port) for port in (*range(1, 200), 443, 4566, 8080)), 0.4)
    return found


@attempt
def listeners_of_endpoints() -> list[list[Any]]:
    return connect_all(("169.254.170.1", port) for port in (80, 443, *range(20_000, 20_100)))


@attempt
def storage_at_other_ports() -> list[Any]:
    return [*connect_all((FACTS["storage"], port) for port in (22, 4566, 8080)), ask(FACTS["storage"], 443, b"quic")]


@attempt
def the_internet() -> list[list[Any]]:
    return connect_all((to, port) for to in ("1.1.1.1", "8.8.8.8", "203.0.113.9") for port in (53, 80, 443))


def confine(program: bytes) -> None:
    """Install the worker's system call filter. Only the worker's children would inherit it."""
    code = ctypes.create_string_buffer(program)

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    filled = Program(len(program) // 8, ctypes.cast(code, ctypes.c_void_p))
    if LIBC.prctl(38, 1, 0, 0, 0) != 0 or LIBC.prctl(22, 2, ctypes.byref(filled), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the filter")


def main(attempts: dict[str, Callable[[], Any]] = ATTEMPTS) -> None:
    """Make every attempt, and print a line of JSON with the outcome of each."""
    FACTS.update(json.loads(sys.argv[1]))
    confine(base64.b64decode(FACTS["filter"]))
    for name, function in attempts.items():
        try:
            came = function()
        except Exception as error:
            came = f"{type(error).__name__}: {error}"
        sys.stdout.write(json.dumps([name, came]) + "\n")
        sys.stdout.flush()
