"""Run the measurements: all of them, or those named."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ORDER = (
    *("service", "jobs", "kinds", "programs", "distributed", "many_jobs", "realtime", "network", "vpc", "flow_logs"),
    *("s3", "wire", "floods", "policies", "engines", "shares"),
)


def main() -> int:
    """Run what is named on the command line, or everything there is."""
    folder = Path(__file__).parent
    names = sys.argv[1:] or [name for name in ORDER if (folder / f"{name}.py").exists()]
    for name in names:
        importlib.import_module(f"bench.{name}").main()
    sys.stdout.write(
        "\nNext: compare with bench/RESULTS.md of the machine you know (git diff shows what this run added).\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
