"""The AWS CLI that pages type, loaded once: each command is a process of its own that begins with all of it imported.

Half a second of such a command is the program's loading itself. Here ``aws`` hands its arguments, its environment, its
folder and its streams to a server that has loaded the AWS CLI, and that forks for each command.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.worlds.tools import install

HERE = Path(__file__).parent
_servers: list[subprocess.Popen[bytes]] = []
"""A server ends when its standard input does, which is held open here: with this process."""


@cache
def loaded_aws() -> Path:
    """Return a folder with an ``aws`` that a server of this process answers; skip the test where there is no AWS CLI.

    What it starts is in the network namespace of this process, whoever types the command.
    """
    python = install() / "python"
    folder = Path(tempfile.mkdtemp(prefix="aws-"))
    place = folder / "socket"
    argv = [str(python), str(HERE / "aws_cli_server.py"), str(place)]
    server = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n", "the server of the AWS CLI did not start"
    _servers.append(server)
    program = folder / "aws"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {HERE / "aws_cli_client.py"} {place} "$@"\n')
    program.chmod(0o755)
    return folder
