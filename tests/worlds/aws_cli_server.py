"""The server of ``aws_cli``, run by the interpreter of the AWS CLI, and therefore without code of this project.

Its only argument is the path of its socket. It ends when its standard input does, and removes the socket's folder.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

os.environ.pop("AWS_DATA_PATH", None)

from awscli.clidriver import create_clidriver, main

OWN_DATA = os.environ["AWS_DATA_PATH"]


def accept_command(connection: socket.socket) -> None:
    """Take over the streams, the folder, the environment and the arguments that a client sends."""
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    with connection.makefile("rb") as sent:
        command: dict[str, Any] = json.load(sent)
    os.chdir(command["folder"])
    os.environ.clear()
    os.environ.update(command["environment"])
    # The program adds the folder of its own data when it is imported.
    os.environ["AWS_DATA_PATH"] = os.pathsep.join(filter(None, (os.environ.get("AWS_DATA_PATH"), OWN_DATA)))
    sys.argv = ["aws", *command["arguments"]]


def answer(connection: socket.socket) -> None:
    """Become the command that a client requests, and tell the client its exit code. Does not return."""
    code: object = 255
    try:
        accept_command(connection)
        code = main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    finally:
        number = code if isinstance(code, int) else int(code is not None)
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(bytes([number & 255]))
        os._exit(number)


def serve(place: Path) -> None:
    """Serve each client in a process of its own, until standard input ends."""
    create_clidriver()  # Everything imported here is ready for the later commands.
    gc.disable()  # The commands are short, and should not scan all imported objects.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Clients receive the exit codes.
    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as selector:
        listener.bind(str(place))
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        selector.register(listener, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while all(key.fileobj is listener for key, _ in selector.select()):
            connection, _ = listener.accept()
            with connection:
                if not os.fork():
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    answer(connection)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    try:
        serve(path)
    finally:
        shutil.rmtree(path.parent)
