"""The programs of the pages' commands, loaded once: each command is a process that starts with everything imported.

Half a second of such a command is spent loading the program itself. Here ``aws`` and ``reading-room`` send their
arguments, environment, folder and streams to a server that has loaded the program and forks for each command.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.worlds.tools import install

HERE = Path(__file__).parent
COMMANDS = ("access", "accounts", "jobs", "network", "usage")
"""The commands of ``reading-room`` that are loaded. The others start processes of the product, or are seldom used."""
_servers: list[subprocess.Popen[bytes]] = []
"""The servers' standard inputs, held open by this process: a server ends when its standard input does."""


@cache
def loaded_aws() -> Path:
    """Return a folder with an ``aws`` that uses a server of this process; skip the test if there is no AWS CLI.

    Its commands run in the network namespace of this process, wherever they are typed.
    """
    return _folder("aws", install() / "python", "{command}")


@cache
def loaded_product() -> Path:
    """Return a folder with a ``reading-room`` that uses a server of this process for most commands."""
    real = Path(sys.executable).with_name("reading-room")
    text = f'case "$1" in {"|".join(COMMANDS)}) {{command}};; esac\nexec {real} "$@"'
    return _folder("reading-room", Path(sys.executable), text)


def _folder(name: str, python: Path, text: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    place = folder / "socket"
    argv = [str(python), "-P", str(HERE / "loaded_server.py"), name, str(place)]
    server = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n", f"the server of {name} did not start"
    _servers.append(server)
    program = folder / name
    command = f'exec {sys.executable} -IS {HERE / "loaded_client.py"} {place} "$@"'
    program.write_text(f"#!/bin/sh\n{text.format(command=command)}\n")
    program.chmod(0o755)
    return folder
