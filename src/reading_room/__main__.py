"""``python -m reading_room``: the same as the ``reading-room`` program."""

from reading_room.cli.main import run

run()
