"""The server of ``loaded``, run by the interpreter of the AWS CLI too, and therefore without code of the tests.

Its arguments are the name of the program and the path of its socket. It ends when its standard input does, and removes
the socket's folder.
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
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any


def load_aws() -> Callable[[], object]:
    """Import the AWS CLI; return a function that runs the command of ``sys.argv``."""
    os.environ.pop("AWS_DATA_PATH", None)
    from awscli.clidriver import create_clidriver, main

    # The program adds the folder of its own data when it is imported.
    own_data = os.environ["AWS_DATA_PATH"]
    create_clidriver()

    def run() -> object:
        os.environ["AWS_DATA_PATH"] = os.pathsep.join(filter(None, (os.environ.get("AWS_DATA_PATH"), own_data)))
        return main()

    return run


def load_product() -> Callable[[], object]:
    """Import ``reading-room`` and the models of the services; return a function that runs the command."""
    from botocore.loaders import JSONFileLoader

    from reading_room.cli import commands
    from reading_room.cli.main import run
    from reading_room.client import connect

    assert commands.app.registered_commands
    JSONFileLoader.load_file = cache(JSONFileLoader.load_file)  # type: ignore[method-assign]
    for service in ("cloudtrail", "comprehend", "ec2", "iam", "kms", "logs", "reading-room", "s3", "sts"):
        connect(service, "http://127.0.0.1:9")
    return run


PROGRAMS = {"aws": load_aws, "reading-room": load_product}


def accept_command(name: str, connection: socket.socket) -> None:
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
    sys.argv = [name, *command["arguments"]]


def answer(name: str, run: Callable[[], object], connection: socket.socket) -> None:
    """Become the command that a client requests, and tell the client its exit code. Does not return."""
    code: object = 255
    try:
        accept_command(name, connection)
        code = run()
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


def serve(name: str, place: Path) -> None:
    """Serve each client in a process of its own, until standard input ends."""
    run = PROGRAMS[name]()  # Everything imported here is ready for the later commands.
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
                    answer(name, run, connection)


if __name__ == "__main__":
    program, path = sys.argv[1], Path(sys.argv[2])
    try:
        serve(program, path)
    finally:
        shutil.rmtree(path.parent)
