"""The ``reading-room`` program, run as ``python -m reading_room``."""

from reading_room.cli.main import run

run()
