"""The AWS CLI of the pages' commands, loaded once: each command is a process that starts with everything imported.

Half a second of such a command is spent loading the program itself. Here ``aws`` sends its arguments, environment,
folder and streams to a server that has loaded the AWS CLI and forks for each command.
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
"""The servers' standard inputs, held open by this process: a server ends when its standard input does."""


@cache
def loaded_aws() -> Path:
    """Return a folder with an ``aws`` that uses a server of this process; skip the test if there is no AWS CLI.

    Its commands run in the network namespace of this process, wherever they are typed.
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
