"""The link's process, confined as on a joined host: it can do its work, and nothing else."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reading_room import landlock
from reading_room.agent.channel import AgentChannel
from reading_room.fleet.certificates import SERVE_NAME
from reading_room.installation import installation
from tests.worlds import joined
from tests.worlds.joined import Serve, in_loop, spec
from tests.worlds.product import own_number
from tests.worlds.waiting import eventually_in_loop

pytestmark = [pytest.mark.network, pytest.mark.costs(3, reason="a process that gives up everything is started")]

LINK = r"""
import json, os, socket, ssl, sys
from pathlib import Path
from reading_room.cli.claiming import claim
from reading_room.cli.privileges import confine_link
from reading_room.hosts.link.places import Places
from reading_room.hosts.link.process import run
from reading_room.hosts.link.connecting import LinkConfig
from reading_room.settings import Settings

told = json.loads(sys.argv[1])
settings = Settings.from_environment(data=Path(told["data"]))
claim(settings)
print("claimed", flush=True)
sys.stdin.readline()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(told["authority"])
context.load_cert_chain(told["certificate"])
kept = settings.data / "authority" / "authority.pem"
places = Places(f"127.0.0.1:{told['port']}", kept.with_name("places.json"))
config = LinkConfig(settings.installation.socket, kept, places, context, told["name"])
confine_link(settings, kept.parent, (told["port"],))

def tried(action):
    try:
        action()
    except OSError as error:
        return error.errno
    return 0

def connect(port):
    socket.create_connection(("127.0.0.1", port), 1).close()

print(json.dumps({
    "user": os.geteuid(),
    "secret": tried(lambda: Path(told["certificate"]).read_bytes()),
    "data": tried(lambda: (settings.data / "x").write_text("x")),
    "fork": tried(os.fork),
    "execute": tried(lambda: os.execv("/bin/true", ["true"])),
    "netlink": tried(lambda: socket.socket(16, socket.SOCK_RAW).close()),
    "another port": tried(lambda: connect(told["another"])),
    "listen": tried(lambda: socket.create_server(("127.0.0.1", 0)).close()),
}), flush=True)
run(config, lambda: None)
"""


def started(options: dict[str, Any], state: Path, user: int) -> subprocess.Popen[str]:
    """Start the program, which waits for a line before it connects."""
    return subprocess.Popen(
        [sys.executable, "-c", LINK, json.dumps(options)],
        env=os.environ | {"READING_ROOM_STATE": str(state), "READING_ROOM_SERVICE_UID": str(user)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(landlock.version() < 4, reason="this kernel cannot restrict ports")
def test_a_link_connects_the_agent_to_serve_and_can_do_nothing_else(tmp_path: Path) -> None:
    user = own_number("user ids", range(100_000, 1_100_000, 1_000)) if os.geteuid() == 0 else os.geteuid()
    data, state = tmp_path / "data", tmp_path / "state"
    authority, certificate = tmp_path / "authority.pem", tmp_path / "host.pem"
    authority.write_bytes(joined.authority().pem.encode())
    certificate.write_bytes(joined.certified(joined.HOST))
    certificate.chmod(0o600)

    async def scenario(serve: Serve, another: socket.socket) -> tuple[dict[str, Any], int]:
        options = {
            "data": str(data),
            "authority": str(authority),
            "certificate": str(certificate),
            "port": serve.port,
            "name": SERVE_NAME,
            "another": another.getsockname()[1],
        }
        process = started(options, state, user)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert await asyncio.to_thread(process.stdout.readline) == "claimed\n"
            agent = AgentChannel(installation(data, state).socket, user, user, lambda: None)
            process.stdin.write("go\n")
            process.stdin.flush()
            found = json.loads(await asyncio.to_thread(process.stdout.readline))
            serve.send(spec())
            await eventually_in_loop(lambda: agent.spec()[0] == spec())
            process.terminate()
            code = await asyncio.to_thread(process.wait)
            agent.close()
            return found, code
        finally:
            process.kill()
            process.wait()

    async def run() -> tuple[dict[str, Any], int]:
        serve = Serve()
        with socket.create_server(("127.0.0.1", 0)) as another:
            try:
                return await scenario(serve, another)
            finally:
                await serve.close()

    found, code = in_loop(run)
    assert code == 0
    assert found.pop("user") == user
    assert found.pop("netlink") == errno.EAFNOSUPPORT
    assert found.pop("fork") == found.pop("execute") == errno.EPERM
    assert found.pop("listen") in (errno.EPERM, errno.EACCES)
    # As root it does not even see the files of others.
    assert found.pop("secret") in (errno.EACCES, errno.ENOENT)
    assert found == dict.fromkeys(("data", "another port"), errno.EACCES)
    kept = data / "authority" / "authority.pem"
    assert kept.read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert kept.stat().st_uid == user
