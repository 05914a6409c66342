"""Starts a holder and a program inside it, as root or as an ordinary user with or without subordinate ids.

Arguments: the folder, ``root``, ``rootless`` or ``subordinate``, then the program. As root it first becomes an ordinary
user if one is requested, in a view of the files in which that user still finds Python.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

from reading_room.agent import holder as holders
from reading_room.agent.view import enter_private_mounts, make_traversable
from reading_room.containers.sandbox import code_paths

USER = pwd.getpwnam("daemon").pw_uid


def become_ordinary(folder: Path, kind: str) -> None:
    import reading_room

    enter_private_mounts()
    os.chown(folder, USER, USER)
    here = Path(__file__).parents[1]
    make_traversable([*code_paths(), Path(next(iter(reading_room.__path__))), here], writable=[folder])
    for name in ("subuid", "subgid"):
        table = folder / name
        table.write_text("daemon:200000:65536\n" if kind == "subordinate" else "")
        subprocess.run(["mount", "--bind", str(table), f"/etc/{name}"], check=True)
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    os.environ.update(HOME="/nonexistent", USER="")


def main() -> int:
    folder, kind, program = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    if kind != "root" and os.geteuid() == 0:
        become_ordinary(folder, kind)
    held = holders.adopt_or_start(folder, rootless=kind != "root")
    child = subprocess.Popen(holders.enter_argv(held, [sys.executable, *program]))
    code = child.wait()
    # The test that killed the program looks at what is left before the holder ends, and then reports that.
    if (folder / "keep-holder").exists():
        return 0
    holders.end(held, folder)
    return abs(code)


if __name__ == "__main__":
    sys.exit(main())
