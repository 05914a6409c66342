"""The agent's process, as ``up`` starts it inside a holder. Arguments: the folder, and the server's host user id."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from reading_room.agent.main import AgentConfig, run


def main() -> int:
    logging.basicConfig(level="INFO", format="%(asctime)s agent %(levelname)s %(name)s: %(message)s")
    folder = Path(sys.argv[1])
    return run(
        AgentConfig(
            runtime_dir=folder,
            socket_path=folder / "agent.sock",
            allowed_uid=int(sys.argv[2]),
            data=folder,
            authority="authority.pem",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
