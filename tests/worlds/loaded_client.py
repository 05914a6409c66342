"""A program of ``loaded``: sends its command to the server at a socket, and exits as it does. Loads quickly."""

from __future__ import annotations

import json
import os
import socket
import sys

place, *arguments = sys.argv[1:]
command = {"arguments": arguments, "environment": dict(os.environ), "folder": os.getcwd()}
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(place)
    socket.send_fds(connection, [b"."], [0, 1, 2])
    connection.sendall(json.dumps(command).encode())
    connection.shutdown(socket.SHUT_WR)
    code = connection.recv(1)
# There is no exit code if the process was killed.
sys.exit(code[0] if code else 255)
